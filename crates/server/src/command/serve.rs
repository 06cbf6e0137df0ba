//! `strongroom serve`: from a configuration to a server, and back to nothing.

use std::sync::Arc;

use strongroom_model::{encryption::DataAlgorithm, key::KeyReference, name::AccessKeyId, secret::SecretKey};
use strongroom_store::{Engine, Opened, RootCredentials, ServerDefault, kms, surroundings};
use strongroom_wire::{Site, signature::signing_keys::SigningKeys};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::watch,
};

use super::{
    Settings, configuration,
    failure::CommandError,
    logging, print,
    welcome::{self, Endpoints},
};
use crate::{
    admin::{EngineMetrics, token::AdminToken},
    app::App,
    clock,
    config::{Config, DefaultScheme},
    entropy,
    listen::{self, tls},
    metrics::Metrics,
    nonces::Nonces,
    task,
};

/// The variable that sets the root access key's id on first start.
const ROOT_ACCESS: &str = "STRONGROOM_ROOT_ACCESS_KEY";

/// The variable that sets its secret.
const ROOT_SECRET: &str = "STRONGROOM_ROOT_SECRET_KEY";

/// Runs the server until it is told to stop.
pub(super) async fn serve(settings: &Settings) -> Result<(), CommandError> {
    let config = configuration(settings.config.as_deref(), settings.data.clone())?;
    logging::start(&config.log)?;
    raise_file_limit();
    let stop = stop_signals()?;
    let bound = listen::bind(&config.listen).await?;
    let opened = open(&config).await?;
    let tls = tls::open(&config)?;
    let is_first = !AdminToken::exists(&config.data)?;
    let app = assemble(&config, &opened)?;
    let endpoints = Endpoints::of(&bound);
    if is_first {
        welcome::first_start(&config, &endpoints, tls.authority.as_deref(), opened.first_start.as_ref())?;
    }
    let reaper = task::spawn(opened.reaper.run(Arc::new(clock::now), stop.clone()));
    let scrub = opened.scrub.run(config.scrub.schedule(), Arc::new(clock::now), stop.clone());
    let scrub = task::spawn(scrub);
    let lifecycle = task::spawn(opened.lifecycle.run(Arc::new(clock::now), stop.clone()));
    print(&endpoints.ready_line())?;
    let cut = listen::serve(&app, bound, tls.acceptor, stop).await;
    opened.engine.shutdown().await;
    for (job, name) in [(reaper, "reaper"), (scrub, "scrub"), (lifecycle, "lifecycle")] {
        if let Err(error) = job.await {
            tracing::error!(%error, name, "a job ended by a fault of its own");
        }
    }
    tracing::info!(cut, "stopped");
    Ok(())
}

/// Whether the operator chose the root access key.
pub(super) fn root_is_chosen() -> bool {
    std::env::var_os(ROOT_ACCESS).is_some()
}

/// Opens the data folder.
pub(super) async fn open(config: &Config) -> Result<Opened, CommandError> {
    let clock: surroundings::Clock = Arc::new(clock::now);
    let entropy = surroundings::Entropy::new(|bytes| entropy::fill(bytes).map_err(surroundings::EntropyError::new));
    Ok(Engine::open(store_config(config)?, clock, entropy).await?)
}

fn assemble(config: &Config, opened: &Opened) -> Result<Arc<App>, CommandError> {
    let engine = Arc::clone(&opened.engine);
    let site = Site {
        domains: config.domains.clone(),
        region: config.region(),
        strict_region: config.strict_region,
        s3_always_on: config.encryption.s3_always_on,
    };
    Ok(Arc::new(App {
        metrics: Arc::new(Metrics::new(EngineMetrics::new(&engine))),
        engine,
        site,
        require_tls: config.transport.require_tls,
        limits: config.limits.clone(),
        signing_keys: SigningKeys::default(),
        nonces: Nonces::default(),
        account: opened.root,
        token: AdminToken::open_or_make(&AdminToken::path(&config.data))?,
    }))
}

fn store_config(config: &Config) -> Result<strongroom_store::Config, CommandError> {
    Ok(strongroom_store::Config {
        data: config.data.clone(),
        region: config.region(),
        encryption_default: server_default(config),
        root: root_credentials()?,
        kv: config.kv.clone(),
        blobs: config.blobs.clone(),
        kms: kms_config(config),
        audit: config.audit.store(),
    })
}

/// The key service of this configuration.
pub(super) fn kms_config(config: &Config) -> kms::Config {
    config.kms.clone().unwrap_or_else(|| kms::Config::Embedded {
        root: kms::RootConfig::File { path: config.data.join("keys/root.key") },
        cache_seconds: kms::CACHE_SECONDS,
    })
}

fn server_default(config: &Config) -> ServerDefault {
    let keyed =
        |algorithm| ServerDefault::Kms { key: config.encryption.key.as_deref().map(KeyReference::parse), algorithm };
    match config.encryption.default {
        DefaultScheme::None => ServerDefault::None,
        DefaultScheme::Aes256 => ServerDefault::Managed(DataAlgorithm::Aes256),
        DefaultScheme::Sm4 => ServerDefault::Managed(DataAlgorithm::Sm4),
        DefaultScheme::Kms => keyed(DataAlgorithm::Aes256),
        DefaultScheme::KmsSm4 => keyed(DataAlgorithm::Sm4),
    }
}

/// The root access key that the operator chose, if both variables are set.
fn root_credentials() -> Result<Option<RootCredentials>, CommandError> {
    let usage = |reason: String| CommandError::Usage(reason);
    match (std::env::var(ROOT_ACCESS), std::env::var(ROOT_SECRET)) {
        (Ok(id), Ok(secret)) if secret.len() >= SECRET_BYTES_MIN => {
            let access_key = AccessKeyId::parse(&id).map_err(|error| usage(format!("{ROOT_ACCESS} is {error}")))?;
            Ok(Some(RootCredentials { access_key, secret: SecretKey::new(secret) }))
        }
        (Ok(_), Ok(_)) => {
            Err(usage(format!("{ROOT_SECRET} is shorter than {SECRET_BYTES_MIN} bytes, so it can be guessed")))
        }
        (Err(_), Err(_)) => Ok(None),
        _ => Err(usage(format!("{ROOT_ACCESS} and {ROOT_SECRET} go together; set both or neither"))),
    }
}

/// Shortest root secret that is taken.
const SECRET_BYTES_MIN: usize = 16;

/// Turns true at Ctrl-C or SIGTERM; the second one ends the process at once.
fn stop_signals() -> Result<watch::Receiver<bool>, CommandError> {
    let listen_to =
        |kind| signal(kind).map_err(|source| CommandError::System { what: "cannot listen to signals", source });
    let (mut interrupt, mut terminate) = (listen_to(SignalKind::interrupt())?, listen_to(SignalKind::terminate())?);
    let (sender, receiver) = watch::channel(false);
    task::spawn(async move {
        either(&mut interrupt, &mut terminate).await;
        tracing::info!("stopping: requests under way may finish; a second signal ends at once");
        sender.send_replace(true);
        either(&mut interrupt, &mut terminate).await;
        tracing::warn!("ended at once, by a second signal");
        std::process::exit(130);
    });
    Ok(receiver)
}

async fn either(interrupt: &mut Signal, terminate: &mut Signal) {
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

/// Takes as many open files as the system grants: each connection is one.
fn raise_file_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum }) {
        tracing::warn!(%error, current = limit.current, "cannot raise the limit of open files");
    }
}
