//! `strongroom check`: the configuration as it takes effect, and a proof that keys can be wrapped and unwrapped.

use std::time::Duration;

use http::Method;
use serde_json::json;
use strongroom_iam::{Transport, authorize};
use strongroom_model::{
    account::Principal,
    circumstance::Circumstances,
    failure::chain,
    operation::{AdminOperation, Operation},
    outcome::{AdminOutcome, Outcome},
};
use tokio::{net::TcpStream, time::timeout};

use super::{Settings, client::Client, configuration, failure::CommandError, print, serve};
use crate::{
    admin::{token::AdminToken, view},
    clock,
    config::Config,
};

/// How long a server on this host may take to accept a connection.
const CONNECT: Duration = Duration::from_secs(2);

/// Shows and proves. Asks the server if one runs, else opens the data folder itself.
pub(super) async fn check(settings: &Settings, as_json: bool) -> Result<(), CommandError> {
    let config = configuration(settings.config.as_deref(), settings.data.clone())?;
    let (by, check) = prove(&config).await?;
    if as_json {
        let document = json!({ "configuration": config, "proved_by": by, "check": check });
        return print(&format!("{document:#}"));
    }
    let proof = match check {
        Some(check) => format!("{}: {}", check.provider, check.proof),
        None => "there are no keys yet; the first start makes them".to_owned(),
    };
    print(&format!("# effective configuration\n{}\n# proof, by {by}\n# {proof}", config.to_toml()?))
}

/// A folder that is no data folder yet is left so: the first start shows the root access key, and there is only one.
async fn prove(config: &Config) -> Result<(&'static str, Option<view::Check>), CommandError> {
    if !AdminToken::exists(&config.data)? {
        return Ok(("nobody", None));
    }
    if is_served(config).await {
        let token = AdminToken::read(&AdminToken::path(&config.data))?;
        let client = Client::local(format!("http://{}", config.listen.admin), token);
        return Ok(("the running server", Some(client.send(Method::POST, "/check", b"").await?)));
    }
    Ok(("the data folder, opened for this", Some(prove_here(config).await?)))
}

async fn is_served(config: &Config) -> bool {
    match config.listen.admin.address() {
        Some(address) => matches!(timeout(CONNECT, TcpStream::connect(address)).await, Ok(Ok(_))),
        None => false,
    }
}

/// Opens the data folder and asks the engine, authorized like any other caller.
async fn prove_here(config: &Config) -> Result<view::Check, CommandError> {
    let failed = |failure: strongroom_model::failure::Failure| CommandError::Proof(chain(&failure));
    let opened = serve::open(config).await?;
    let operation = Operation::Admin(AdminOperation::ProveKeys);
    let (root, circumstances) = (Principal::Root(opened.root).into(), Circumstances::inside(clock::now()));
    let case = opened.engine.case(root, &operation, circumstances, Transport::TRUSTED).await.map_err(failed)?;
    let granted = authorize(operation, case).map_err(|denied| failed(denied.into()))?;
    let reply = opened.engine.run(granted, None).await.map_err(failed)?;
    opened.engine.shutdown().await;
    match reply.outcome {
        Outcome::Admin(AdminOutcome::KeysProven { provider }) => Ok(view::Check::proved(provider)),
        other => Err(CommandError::Proof(format!("the engine answered {other:?}"))),
    }
}
