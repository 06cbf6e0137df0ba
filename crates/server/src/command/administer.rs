//! Commands that ask a running server.

use http::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Serialize, de::DeserializeOwned};

use super::{
    AliasCommand, Connection, KeyCommand, OneKey, OneUser, UserCommand, client::Client, failure::CommandError, print,
    table,
};
use crate::admin::{
    request::{AliasTarget, Deletion, NewKey, NewUser},
    view,
};

/// `strongroom key …`.
pub(super) async fn key(command: KeyCommand) -> Result<(), CommandError> {
    match command {
        KeyCommand::Create { spec, description, alias, to } => {
            let document = NewKey { spec, description, alias };
            let key: view::Key = ask(&to, Method::POST, "/keys", Some(&document)).await?;
            show_key(&to, &key)
        }
        KeyCommand::List { to } => {
            let keys: view::Keys = ask(&to, Method::GET, "/keys", NOTHING).await?;
            show(&to, &keys, || table::keys(&keys.keys))
        }
        KeyCommand::Describe(OneKey { key, to }) => {
            let key: view::Key = ask(&to, Method::GET, &format!("/keys/{}", encoded(&key)), NOTHING).await?;
            show_key(&to, &key)
        }
        KeyCommand::Enable(key) => change(&key, "enable", NOTHING).await,
        KeyCommand::Disable(key) => change(&key, "disable", NOTHING).await,
        KeyCommand::CancelDeletion(key) => change(&key, "cancel-deletion", NOTHING).await,
        KeyCommand::ScheduleDeletion { pending_days, key } => {
            change(&key, "schedule-deletion", Some(&Deletion { pending_days })).await
        }
        KeyCommand::Alias(AliasCommand::Set { alias, key: OneKey { key, to } }) => {
            let path = format!("/aliases/{}", encoded(&alias));
            done(&to, Method::PUT, &path, Some(&AliasTarget { key })).await
        }
        KeyCommand::Alias(AliasCommand::Remove { alias, to }) => {
            done(&to, Method::DELETE, &format!("/aliases/{}", encoded(&alias)), NOTHING).await
        }
    }
}

/// `strongroom user …`.
pub(super) async fn user(command: UserCommand) -> Result<(), CommandError> {
    match command {
        UserCommand::Create(OneUser { name, to }) => {
            let created: view::UserCreated = ask(&to, Method::POST, "/users", Some(&NewUser { name })).await?;
            show(&to, &created, || {
                let view::UserCreated { name, access_key, secret_key, .. } = &created;
                format!(
                    "user        {name}\naccess key  {access_key}\nsecret key  {secret_key}\n\n\
                     The secret is shown this once; keep it."
                )
            })
        }
        UserCommand::List { to } => {
            let users: view::Users = ask(&to, Method::GET, "/users", NOTHING).await?;
            show(&to, &users, || table::users(&users.users))
        }
        UserCommand::Delete(OneUser { name, to }) => {
            done(&to, Method::DELETE, &format!("/users/{}", encoded(&name)), NOTHING).await
        }
    }
}

/// `strongroom bucket list`.
pub(super) async fn buckets(to: &Connection) -> Result<(), CommandError> {
    let buckets: view::Buckets = ask(to, Method::GET, "/buckets", NOTHING).await?;
    show(to, &buckets, || table::buckets(&buckets.buckets))
}

/// `strongroom object describe`.
pub(super) async fn object(
    bucket: &str,
    key: &str,
    version: Option<&str>,
    to: &Connection,
) -> Result<(), CommandError> {
    let version = version.map(|version| format!("&version={}", encoded(version))).unwrap_or_default();
    let path = format!("/objects?bucket={}&key={}{version}", encoded(bucket), encoded(key));
    let object: view::Object = ask(to, Method::GET, &path, NOTHING).await?;
    show(to, &object, || table::object(&object))
}

/// No document.
pub(super) const NOTHING: Option<&()> = None;

async fn change(key: &OneKey, verb: &str, document: Option<&impl Serialize>) -> Result<(), CommandError> {
    let path = format!("/keys/{}/{verb}", encoded(&key.key));
    let changed: view::Key = ask(&key.to, Method::POST, &path, document).await?;
    show_key(&key.to, &changed)
}

pub(super) async fn done(
    to: &Connection,
    method: Method,
    path: &str,
    document: Option<&impl Serialize>,
) -> Result<(), CommandError> {
    let answer: serde_json::Value = ask(to, method, path, document).await?;
    show(to, &answer, || "done".to_owned())
}

/// Asks the server, and reads its answer.
pub(super) async fn ask<T: DeserializeOwned>(
    to: &Connection,
    method: Method,
    path: &str,
    document: Option<&impl Serialize>,
) -> Result<T, CommandError> {
    let document = document.map(serde_json::to_vec).transpose();
    let document = document.map_err(|error| CommandError::Usage(error.to_string()))?.unwrap_or_default();
    Client::new(to)?.send(method, path, &document).await
}

fn show_key(to: &Connection, key: &view::Key) -> Result<(), CommandError> {
    show(to, key, || table::keys(std::slice::from_ref(key)))
}

/// Prints an answer, as JSON or as the table.
pub(super) fn show(
    to: &Connection,
    document: &impl Serialize,
    table: impl FnOnce() -> String,
) -> Result<(), CommandError> {
    if !to.json {
        return print(&table());
    }
    let text = serde_json::to_string_pretty(document);
    print(&text.map_err(|error| CommandError::Usage(error.to_string()))?)
}

pub(super) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}
