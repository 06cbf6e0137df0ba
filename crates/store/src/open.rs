//! Opening everything: the data folder, the stores in it, the key service; and making the root account on the first start.

use std::{path::PathBuf, sync::Arc};

use strongroom_model::account::AccountId;
use strongroom_model::failure::Failure;
use strongroom_model::name::{AccessKeyId, Region};
use strongroom_model::secret::SecretKey;

use crate::{
    audit::{self, Trail},
    blobs::{self, BlobError, Blobs},
    catalog::{
        self, Catalog, CatalogError,
        identities::{Addition, NewAccessKey},
    },
    credentials,
    engine::{Engine, Parts, ServerDefault},
    folder::{self, FolderError},
    jobs::{InventoryJob, LifecycleJob, Reaper, Scrub, reaper},
    key_user::KeyUser,
    kms,
    kv::{self, Kv, ledger::LedgerKv},
    leases::Leases,
    metrics::Counters,
    surroundings::{Clock, Entropy, EntropyError},
};

/// How a store is opened.
pub struct Config {
    /// The data folder.
    pub data: PathBuf,
    /// Where new buckets and keys are, unless asked otherwise.
    pub region: Region,
    /// How objects are sealed when neither the request nor the bucket says.
    pub encryption_default: ServerDefault,
    /// The root account's access key, in place of the one that there is, or of a random one on the first start.
    pub root: Option<RootCredentials>,
    /// The catalog's engine; none is the embedded one, in the data folder.
    pub kv: Option<kv::Config>,
    /// The blob store; none is files in the data folder.
    pub blobs: Option<blobs::Config>,
    /// The key service.
    pub kms: kms::Config,
    /// The audit trail.
    pub audit: audit::Config,
}

/// The root account's access key.
pub struct RootCredentials {
    /// Its public half.
    pub access_key: AccessKeyId,
    /// Its secret half.
    pub secret: SecretKey,
}

/// An open store.
pub struct Opened {
    /// Serves requests.
    pub engine: Arc<Engine>,
    /// To be run beside it.
    pub reaper: Reaper,
    /// To be run beside it, too.
    pub scrub: Arc<Scrub>,
    /// And this.
    pub lifecycle: Arc<LifecycleJob>,
    /// And this, which writes by [`Engine::depositor`].
    pub inventory: Arc<InventoryJob>,
    /// The root account.
    pub root: AccountId,
    /// What was made up on the first start: the only time that the secret can be shown.
    pub first_start: Option<RootCredentials>,
}

/// Why a store does not open; the text is meant for the operator.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The data folder is not usable.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The key-value store does not open.
    #[error(transparent)]
    Kv(#[from] kv::OpenError),
    /// The ledger cannot be kept.
    #[error(transparent)]
    Ledger(#[from] kv::LedgerError),
    /// The catalog does not open.
    #[error(transparent)]
    Catalog(#[from] catalog::OpenError),
    /// The blob store does not open.
    #[error(transparent)]
    Blobs(#[from] BlobError),
    /// The key service does not open.
    #[error(transparent)]
    Kms(#[from] kms::OpenError),
    /// The audit trail does not open.
    #[error(transparent)]
    Audit(#[from] audit::OpenError),
    /// No random values can be drawn.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
    /// The access key configured for the root account is a user's.
    #[error("the access key configured for the root account belongs to a user: configure another")]
    RootAccessKeyTaken,
    /// What was left half-done could not be cleared.
    #[error("what an earlier process left cannot be cleared")]
    Recovery(#[source] Failure),
}

impl From<CatalogError> for OpenError {
    fn from(error: CatalogError) -> Self {
        Self::Catalog(error.into())
    }
}

impl Engine {
    /// Opens, or makes, a store in its data folder.
    ///
    /// # Errors
    /// See [`OpenError`]: each says what the operator should do.
    pub async fn open(config: Config, clock: Clock, entropy: Entropy) -> Result<Opened, OpenError> {
        folder::claim(&config.data)?;
        let kv_config = config.kv.clone();
        let kv = kv::open(&kv_config.unwrap_or(kv::Config::Fjall { path: config.data.join("catalog") })).await?;
        let kv = LedgerKv::open(kv, catalog::LEDGER_FAMILIES, folder::ledger(&config.data)).await?;
        let kv = Arc::new(kv);
        let blobs_config = config.blobs.clone();
        let blobs =
            blobs::open(&blobs_config.unwrap_or(blobs::Config::Local { path: config.data.join("blobs") })).await?;
        folder::settle(&config.data)?;
        Self::open_over(kv, blobs, config, clock, entropy).await
    }

    /// The same over backends that are open already. Of the data folder only `keys` is used.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn open_over(
        kv: Arc<dyn Kv>,
        blobs: Arc<dyn Blobs>,
        config: Config,
        clock: Clock,
        entropy: Entropy,
    ) -> Result<Opened, OpenError> {
        Self::open_around(kv, blobs, config, clock, entropy, None).await
    }

    /// The same with something around the key service.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn open_around(
        kv: Arc<dyn Kv>,
        blobs: Arc<dyn Blobs>,
        config: Config,
        clock: Clock,
        entropy: Entropy,
        around: Option<kms::Around>,
    ) -> Result<Opened, OpenError> {
        let keys = config.data.join("keys");
        let catalog = Catalog::open(kv, &keys.join("metadata.key"), entropy.clone()).await?;
        let catalog = Arc::new(catalog);
        let kms_catalog = Arc::clone(&catalog);
        let kms =
            kms::open(&config.kms, kms_catalog, config.region.clone(), clock.clone(), entropy.clone(), around.as_ref())
                .await?;
        let (root, first_start) = root_account(&catalog, config.root, &clock, &entropy).await?;
        let folder = config.audit.folder.clone().unwrap_or_else(|| config.data.join(audit::FOLDER));
        let trail = Trail::open(&folder, &config.audit, &kms.root, clock.clone(), &entropy)?;
        let trail = Arc::new(trail);
        let counters = Counters::default();
        let run = entropy.array()?;
        let leases = Leases::default();
        let reaper = Reaper::new(reaper::Parts {
            catalog: Arc::clone(&catalog),
            blobs: Arc::clone(&blobs),
            kms: Arc::clone(&kms.kms),
            bucket_keys: Arc::clone(&kms.bucket_keys),
            trail: Arc::clone(&trail),
            run,
            counters: counters.clone(),
            leases: leases.clone(),
        });
        let keys = (Arc::clone(&kms.kms), Arc::clone(&kms.bucket_keys));
        let keys = KeyUser::server(keys, Arc::clone(&trail), "Scrub");
        let scrub = Scrub::open(Arc::clone(&catalog), Arc::clone(&blobs), keys, leases.clone()).await?;
        let scrub = Arc::new(scrub);
        let lifecycle = Arc::new(LifecycleJob::open(Arc::clone(&catalog), entropy.clone()).await?);
        let inventory = Arc::new(InventoryJob::new(Arc::clone(&catalog), entropy.clone()));
        let engine = Self::new(Parts {
            catalog,
            blobs,
            kms,
            trail,
            clock,
            entropy,
            region: config.region,
            encryption_default: config.encryption_default,
            run,
            counters,
            first_account: root,
            scrub: Arc::clone(&scrub),
            lifecycle: Arc::clone(&lifecycle),
            inventory: Arc::clone(&inventory),
            leases,
        });
        Ok(Opened { engine: Arc::new(engine), reaper, scrub, lifecycle, inventory, root, first_start })
    }
}

/// The root account, made if there is none. The credentials are those made up, if any.
async fn root_account(
    catalog: &Catalog,
    configured: Option<RootCredentials>,
    clock: &Clock,
    entropy: &Entropy,
) -> Result<(AccountId, Option<RootCredentials>), OpenError> {
    let now = clock();
    if let Some(account) = catalog.accounts().await?.first() {
        if let Some(RootCredentials { access_key, secret }) = configured {
            let key = NewAccessKey { id: access_key, secret };
            match catalog.replace_root(*account, &key, now).await? {
                Addition::Added => {}
                Addition::NameTaken | Addition::AccessKeyTaken | Addition::TooMany => {
                    return Err(OpenError::RootAccessKeyTaken);
                }
            }
        }
        return Ok((*account, None));
    }
    let made_up = configured.is_none();
    let RootCredentials { access_key, secret } = match configured {
        Some(configured) => configured,
        None => {
            let NewAccessKey { id, secret } = credentials::access_key(entropy)?;
            RootCredentials { access_key: id, secret }
        }
    };
    loop {
        let key = NewAccessKey { id: access_key.clone(), secret: SecretKey::new(secret.expose().to_owned()) };
        let account = credentials::first_account(entropy)?;
        if catalog.create_account(account, &key, now).await? == Addition::Added {
            return Ok((account, made_up.then_some(RootCredentials { access_key, secret })));
        }
    }
}
