//! What `serve` says when it starts.

use std::path::Path;

use strongroom_store::RootCredentials;

use super::{failure::CommandError, print, sdk, serve};
use crate::{
    config::Config,
    listen::{Bound, Role},
};

/// Where the server can be reached.
pub(super) struct Endpoints {
    /// Over plain HTTP.
    pub(super) http: Option<String>,
    /// Over TLS.
    pub(super) https: Option<String>,
    /// The key service.
    pub(super) kms: Option<String>,
    /// The admin API.
    pub(super) admin: Option<String>,
}

impl Endpoints {
    /// Of the sockets that listen.
    pub(super) fn of(bound: &[Bound]) -> Self {
        let find = |role, scheme: &str| {
            bound.iter().find(|bound| bound.role == role).map(|bound| format!("{scheme}://{}", bound.address))
        };
        Self {
            http: find(Role::Objects, "http"),
            https: find(Role::ObjectsTls, "https"),
            kms: find(Role::Keys, "http"),
            admin: find(Role::Admin, "http"),
        }
    }

    /// The line that says that requests are served from now on.
    pub(super) fn ready_line(&self) -> String {
        let named = [("http", &self.http), ("https", &self.https), ("kms", &self.kms), ("admin", &self.admin)];
        let parts: Vec<String> =
            named.into_iter().filter_map(|(name, url)| Some(format!("{name} {}", url.as_ref()?))).collect();
        format!("strongroom is ready: {}", parts.join(", "))
    }
}

/// Prints, once in the life of a data folder, how to reach it.
pub(super) fn first_start(
    config: &Config,
    endpoints: &Endpoints,
    authority: Option<&Path>,
    made_up: Option<&RootCredentials>,
) -> Result<(), CommandError> {
    let shown = |url: &Option<String>| url.clone().unwrap_or_else(|| "off".to_owned());
    let authority = authority.map_or_else(|| "your own certificate".to_owned(), |path| path.display().to_string());
    let root = match made_up {
        Some(root) => format!(
            "The root access key is shown this once; keep it.\n\n\
             export STRONGROOM_ROOT_ACCESS_KEY={}\nexport STRONGROOM_ROOT_SECRET_KEY={}",
            root.access_key.as_str(),
            root.secret.expose()
        ),
        None if serve::root_is_chosen() => "Its root access key is the one in your environment.".to_owned(),
        None => {
            "Its root access key was shown before; if it is lost, set both variables below and start again.".to_owned()
        }
    };
    print(&format!(
        "Strongroom starts on this data folder for the first time. {root}\n\n\
         region     {}\nhttp       {}\nhttps      {}\nkms        {}\nadmin      {}\nauthority  {authority}\ndata       {}\n\n{}",
        config.region,
        shown(&endpoints.http),
        shown(&endpoints.https),
        shown(&endpoints.kms),
        shown(&endpoints.admin),
        config.data.display(),
        sdk::lines(endpoints, &config.region),
    ))
}
