//! An engine to try things on, over memory or over files, with a clock that stands still until it is moved.

use std::{
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use futures_util::stream;
use strongroom_iam::{Transport, authorize};
use strongroom_model::account::{AccountId, Principal};
use strongroom_model::acl::AclWish;
use strongroom_model::circumstance::Circumstances;
use strongroom_model::encryption::{BucketEncryption, DataAlgorithm, EncryptionContext, EncryptionWish, KmsWish};
use strongroom_model::etag::TagPromise;
use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::key::{KeyReference, KeySpec};
use strongroom_model::metadata::{CannedAcl, StorageClass};
use strongroom_model::name::{BucketName, ObjectKey, Region};
use strongroom_model::operation::bucket::{CreateBucket, ListObjects, ListVersion};
use strongroom_model::operation::copy::{CopiedChecksums, CopyObject, MetadataFrom, OntoItself, Unchanged};
use strongroom_model::operation::key::CreateKey;
use strongroom_model::operation::object::{DeleteObject, GetObject, PutObject, Unsatisfiable};
use strongroom_model::operation::symlink::Links;
use strongroom_model::operation::{AdminOperation, BucketOperation, KeyOperation, ObjectOperation, Operation};
use strongroom_model::outcome::bucket::{BucketFacts, ListedObjects};
use strongroom_model::outcome::object::{ObjectCopied, ObjectRead, ObjectWritten};
use strongroom_model::outcome::{AdminOutcome, BucketOutcome, KeyOutcome, ObjectOutcome, Outcome};
use strongroom_model::range::RangeSpec;
use strongroom_model::secret::CustomerKey;
use strongroom_model::tag::TagSet;
use strongroom_model::time::Timestamp;
use strongroom_store::{
    Body, Config, Engine, InventoryJob, LifecycleJob, OpenError, Opened, Reaper, Reply, RootCredentials, Scrub,
    ServerDefault, Trailer, audit,
    blobs::{Blobs, LocalBlobs, MemoryBlobs},
    kms,
    kv::{FjallKv, Kv, MemoryKv},
    stream::{ByteStream, collect},
    surroundings::{Clock, Entropy},
};
use tempfile::TempDir;

/// 2026-11-22.
const START_MS: i64 = 1_795_305_600_000;

pub(crate) const BUCKET: &str = "bucket";

/// An open engine and what it stands on.
pub(crate) struct Bench {
    pub(crate) engine: Arc<Engine>,
    pub(crate) reaper: tokio::sync::Mutex<Reaper>,
    pub(crate) scrub: Arc<Scrub>,
    pub(crate) lifecycle: Arc<LifecycleJob>,
    pub(crate) inventory: Arc<InventoryJob>,
    pub(crate) account: AccountId,
    pub(crate) folder: TempDir,
    pub(crate) kv: Arc<dyn Kv>,
    pub(crate) blobs: Arc<dyn Blobs>,
    pub(crate) drawn: Arc<Drawn>,
    clock: Arc<AtomicI64>,
}

/// The keys that were drawn from the source of randomness while it was watched.
#[derive(Default)]
pub(crate) struct Drawn {
    pub(crate) watched: AtomicBool,
    pub(crate) keys: Mutex<Vec<Vec<u8>>>,
}

/// How an object is to be sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    Plain,
    ManagedAes,
    ManagedSm4,
    KmsAes,
    KmsSm4,
    KmsTwice,
    KmsBucketKey,
    Customer,
}

pub(crate) const METHODS: [Method; 8] = [
    Method::Plain,
    Method::ManagedAes,
    Method::ManagedSm4,
    Method::KmsAes,
    Method::KmsSm4,
    Method::KmsTwice,
    Method::KmsBucketKey,
    Method::Customer,
];

pub(crate) const CUSTOMER_KEY: [u8; 32] = *b"a customer's key of 32 bytes, ok";

impl Method {
    pub(crate) fn wish(self) -> EncryptionWish {
        let by = |algorithm, bucket_key| {
            EncryptionWish::Kms(KmsWish {
                key: None,
                algorithm,
                context: EncryptionContext::from([("tenant".to_owned(), "é".to_owned())]),
                bucket_key,
                project: None,
            })
        };
        let kms = |algorithm| by(algorithm, None);
        match self {
            Self::Plain => EncryptionWish::Unspecified,
            Self::ManagedAes => EncryptionWish::Managed(DataAlgorithm::Aes256),
            Self::ManagedSm4 => EncryptionWish::Managed(DataAlgorithm::Sm4),
            Self::KmsAes => kms(DataAlgorithm::Aes256),
            Self::KmsSm4 => kms(DataAlgorithm::Sm4),
            Self::KmsTwice => kms(DataAlgorithm::Aes256Twice),
            Self::KmsBucketKey => by(DataAlgorithm::Sm4, Some(true)),
            Self::Customer => EncryptionWish::Customer(customer_key(CUSTOMER_KEY)),
        }
    }

    pub(crate) fn key_for_reading(self) -> Option<CustomerKey> {
        (self == Self::Customer).then(|| customer_key(CUSTOMER_KEY))
    }
}

pub(crate) fn customer_key(bytes: [u8; 32]) -> CustomerKey {
    CustomerKey::new(bytes.into(), [0xaa; 16])
}

impl Bench {
    /// Over memory, with a bucket.
    pub(crate) async fn memory() -> Self {
        let bench = Self::over(Arc::new(MemoryKv::new()), Arc::new(MemoryBlobs::new()), tempfile::tempdir().unwrap());
        let bench = bench.await.unwrap();
        bench.create_bucket(BUCKET, None).await.unwrap();
        bench
    }

    /// Over memory, with a bucket; keys and their states are believed for so long.
    pub(crate) async fn believing(cache_seconds: u32) -> Self {
        let (kv, blobs) = (Arc::new(MemoryKv::new()), Arc::new(MemoryBlobs::new()));
        let bench = Self::open(kv, blobs, None, tempfile::tempdir().unwrap(), cache_seconds).await.unwrap();
        bench.create_bucket(BUCKET, None).await.unwrap();
        bench
    }

    /// Over files, with a bucket.
    pub(crate) async fn disk() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let bench = Self::disk_in(folder).await;
        bench.create_bucket(BUCKET, None).await.unwrap();
        bench
    }

    /// Over the files that are in `folder`, if any.
    pub(crate) async fn disk_in(folder: TempDir) -> Self {
        let kv = FjallKv::open(&folder.path().join("catalog")).await.unwrap();
        let blobs = LocalBlobs::open(&folder.path().join("blobs")).await.unwrap();
        Self::over(Arc::new(kv), Arc::new(blobs), folder).await.unwrap()
    }

    /// Over these backends, and the key files in `folder`.
    pub(crate) async fn over(kv: Arc<dyn Kv>, blobs: Arc<dyn Blobs>, folder: TempDir) -> Result<Self, OpenError> {
        Self::around(kv, blobs, None, folder).await
    }

    /// The same with something around the key service.
    pub(crate) async fn around(
        kv: Arc<dyn Kv>,
        blobs: Arc<dyn Blobs>,
        around: Option<kms::Around>,
        folder: TempDir,
    ) -> Result<Self, OpenError> {
        Self::open(kv, blobs, around, folder, 0).await
    }

    /// The same; keys and their states are believed for so long.
    pub(crate) async fn open(
        kv: Arc<dyn Kv>,
        blobs: Arc<dyn Blobs>,
        around: Option<kms::Around>,
        folder: TempDir,
        believed: u32,
    ) -> Result<Self, OpenError> {
        let mut config = config(folder.path());
        let kms::Config::Embedded { cache_seconds, .. } = &mut config.kms;
        *cache_seconds = believed;
        let (clock, drawn) = (Arc::new(AtomicI64::new(START_MS)), Arc::<Drawn>::default());
        let now = clock.clone();
        let opened = Engine::open_around(
            kv.clone(),
            blobs.clone(),
            config,
            Arc::new(move || Timestamp::from_millis(now.load(Ordering::SeqCst))),
            entropy(drawn.clone()),
            around,
        );
        let opened = opened.await?;
        let Opened { engine, reaper, scrub, lifecycle, inventory, root: account, .. } = opened;
        let reaper = reaper.into();
        Ok(Self { engine, reaper, scrub, lifecycle, inventory, account, folder, kv, blobs, drawn, clock })
    }

    /// The next process over the same stores.
    pub(crate) async fn reopen(self) -> Self {
        Self::over(self.kv, self.blobs, self.folder).await.unwrap()
    }

    pub(crate) fn clock(&self) -> Clock {
        let now = Arc::clone(&self.clock);
        Arc::new(move || Timestamp::from_millis(now.load(Ordering::SeqCst)))
    }

    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.clock.load(Ordering::SeqCst))
    }

    pub(crate) fn advance(&self, millis: i64) {
        self.clock.fetch_add(millis, Ordering::SeqCst);
    }

    pub(crate) async fn run(&self, operation: Operation, body: Option<Body>) -> Result<Reply, Failure> {
        self.run_over(operation, body, Transport::TRUSTED).await
    }

    pub(crate) async fn run_over(
        &self,
        operation: Operation,
        body: Option<Body>,
        transport: Transport,
    ) -> Result<Reply, Failure> {
        self.run_as(Principal::Root(self.account), operation, body, transport).await
    }

    pub(crate) async fn run_as(
        &self,
        principal: Principal,
        operation: Operation,
        body: Option<Body>,
        transport: Transport,
    ) -> Result<Reply, Failure> {
        let circumstances = Circumstances::inside(self.now());
        let case = self.engine.case(principal.into(), &operation, circumstances, transport).await?;
        let granted = authorize(operation, case)?;
        self.engine.run(granted, body).await
    }

    pub(crate) async fn bucket(&self, operation: BucketOperation) -> Result<BucketOutcome, Failure> {
        match self.run(Operation::Bucket(operation), None).await?.outcome {
            Outcome::Bucket(outcome) => Ok(outcome),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn admin(&self, operation: AdminOperation) -> Result<AdminOutcome, Failure> {
        match self.run(Operation::Admin(operation), None).await?.outcome {
            Outcome::Admin(outcome) => Ok(outcome),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn key(&self, operation: KeyOperation) -> Result<KeyOutcome, Failure> {
        match self.run(Operation::Key(operation), None).await?.outcome {
            Outcome::Key(outcome) => Ok(outcome),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn create_bucket(
        &self,
        name: &str,
        encryption: Option<BucketEncryption>,
    ) -> Result<BucketFacts, Failure> {
        let create = CreateBucket {
            bucket: bucket_name(name),
            location: None,
            acl: AclWish::Unspecified(CannedAcl::Private),
            tags: TagSet::default(),
            storage_class: StorageClass::Standard,
            encryption,
            always_encrypted: false,
            lock: false,
        };
        match self.bucket(BucketOperation::Create(create)).await? {
            BucketOutcome::Created(facts) => Ok(facts),
            other => panic!("{other:?}"),
        }
    }

    /// A new customer master key.
    pub(crate) async fn create_key(&self, alias: Option<&str>) -> KeyReference {
        let asked = CreateKey { alias: alias.map(str::to_owned), ..CreateKey::new(KeySpec::Aes256) };
        match self.key(KeyOperation::Create(asked)).await.unwrap() {
            KeyOutcome::Key(description) => KeyReference::parse(&description.name.id),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn put(&self, key: &str, bytes: &[u8], method: Method) -> Result<ObjectWritten, Failure> {
        self.put_as(PutObject { encryption: method.wish(), ..put(key) }, bytes).await
    }

    /// Sealed under this master key.
    pub(crate) async fn put_with_key(
        &self,
        key: &str,
        bytes: &[u8],
        master: &KeyReference,
    ) -> Result<ObjectWritten, Failure> {
        let wish = KmsWish {
            key: Some(master.clone()),
            algorithm: DataAlgorithm::Aes256,
            context: EncryptionContext::default(),
            bucket_key: None,
            project: None,
        };
        self.put_as(PutObject { encryption: EncryptionWish::Kms(wish), ..put(key) }, bytes).await
    }

    pub(crate) async fn put_as(&self, put: PutObject, bytes: &[u8]) -> Result<ObjectWritten, Failure> {
        self.put_stream(put, pieces(bytes)).await
    }

    pub(crate) async fn put_stream(&self, put: PutObject, bytes: ByteStream) -> Result<ObjectWritten, Failure> {
        let body = Body { bytes, trailer: Trailer::default(), declared: None };
        match self.run(Operation::Object(ObjectOperation::Put(put)), Some(body)).await?.outcome {
            Outcome::Object(ObjectOutcome::Put(written)) => Ok(written),
            other => panic!("{other:?}"),
        }
    }

    /// A copy from one key to another, each in its method.
    pub(crate) async fn copy(
        &self,
        from: &str,
        source: Method,
        to: &str,
        target: Method,
    ) -> Result<ObjectCopied, Failure> {
        self.copy_as(copy(from, source, to, target)).await
    }

    pub(crate) async fn copy_as(&self, copy: CopyObject) -> Result<ObjectCopied, Failure> {
        match self.run(Operation::Object(ObjectOperation::Copy(Box::new(copy))), None).await?.outcome {
            Outcome::Object(ObjectOutcome::Copied(copied)) => Ok(copied),
            other => panic!("{other:?}"),
        }
    }

    /// The whole object.
    pub(crate) async fn get(&self, key: &str, method: Method) -> Result<Bytes, Failure> {
        Ok(self.get_as(GetObject { customer_key: method.key_for_reading(), ..get(key) }).await?.1)
    }

    pub(crate) async fn get_range(&self, key: &str, method: Method, range: RangeSpec) -> Result<Bytes, Failure> {
        let get = GetObject { customer_key: method.key_for_reading(), range: Some(range), ..get(key) };
        Ok(self.get_as(get).await?.1)
    }

    /// What was answered, and all of its bytes. A body that breaks off is a failure like any other.
    pub(crate) async fn get_as(&self, get: GetObject) -> Result<(ObjectRead, Bytes), Failure> {
        let reply = self.run(Operation::Object(ObjectOperation::Get(get)), None).await?;
        let Outcome::Object(ObjectOutcome::Read(read)) = reply.outcome else { panic!("{:?}", reply.outcome) };
        let bytes = collect(reply.body.unwrap(), usize::MAX).await;
        Ok((read, bytes.map_err(|error| Failure::new(FailureCode::IncompleteBody).caused_by(error))?))
    }

    pub(crate) async fn head(&self, get: GetObject) -> Result<ObjectRead, Failure> {
        match self.run(Operation::Object(ObjectOperation::Head(get)), None).await?.outcome {
            Outcome::Object(ObjectOutcome::Head(read)) => Ok(read),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn delete(&self, key: &str) -> Result<(), Failure> {
        let delete = DeleteObject {
            bucket: bucket_name(BUCKET),
            key: object_key(key),
            version: None,
            conditions: Default::default(),
            bypass_governance: false,
        };
        self.run(Operation::Object(ObjectOperation::Delete(delete)), None).await.map(drop)
    }

    pub(crate) async fn delete_bucket(&self, name: &str) -> Result<(), Failure> {
        self.bucket(BucketOperation::Delete(bucket_name(name))).await.map(drop)
    }

    pub(crate) async fn list(&self) -> ListedObjects {
        match self.bucket(BucketOperation::ListObjects(list())).await.unwrap() {
            BucketOutcome::Objects(listed) => listed,
            other => panic!("{other:?}"),
        }
    }

    /// How many blobs the store has.
    pub(crate) async fn blob_count(&self) -> usize {
        self.blobs.list(None, usize::MAX).await.unwrap().len()
    }

    /// Runs the reaper after everything that waits for readers may go.
    pub(crate) async fn reap_later(&self) -> strongroom_store::ReaperReport {
        let later = self.now().plus_millis(3_600_000);
        self.reaper.lock().await.run_once(later).await.unwrap()
    }

    pub(crate) fn key_service_calls(&self) -> u64 {
        self.engine.metrics().kms.calls()
    }
}

/// An audit trail for each engine, since some of these live beside the one whose stores they take over.
fn trail(folder: &Path) -> audit::Config {
    static ENGINES: AtomicU64 = AtomicU64::new(0);
    let trail = folder.join(format!("audit-{}", ENGINES.fetch_add(1, Ordering::SeqCst)));
    audit::Config { folder: Some(trail), durable: false, ..audit::Config::default() }
}

pub(crate) fn config(folder: &Path) -> Config {
    Config {
        data: folder.to_owned(),
        region: Region::parse("test-1").unwrap(),
        encryption_default: ServerDefault::None,
        root: None::<RootCredentials>,
        kv: None,
        blobs: None,
        kms: kms::Config::Embedded {
            root: kms::RootConfig::File { path: folder.join("keys/root.key") },
            cache_seconds: 0,
        },
        audit: trail(folder),
    }
}

/// The system's randomness. What `Entropy::key` draws is also written down: those are the keys, all else is salts and ids.
fn entropy(drawn: Arc<Drawn>) -> Entropy {
    Entropy::new(move |bytes| {
        use std::io::Read as _;
        std::fs::File::open("/dev/urandom").unwrap().read_exact(bytes).unwrap();
        if drawn.watched.load(Ordering::SeqCst) && is_drawn_as_key() {
            drawn.keys.lock().unwrap().push(bytes.to_vec());
        }
        Ok(())
    })
}

/// Whether `Entropy::key` is among the callers; how they are spelled depends on the debug information.
fn is_drawn_as_key() -> bool {
    let trace = std::backtrace::Backtrace::force_capture().to_string();
    trace.lines().any(|line| line.ends_with(": key") || line.contains("Entropy::key"))
}

pub(crate) fn bucket_name(name: &str) -> BucketName {
    BucketName::parse(name).unwrap()
}

pub(crate) fn object_key(key: &str) -> ObjectKey {
    ObjectKey::parse(key).unwrap()
}

pub(crate) fn put(key: &str) -> PutObject {
    PutObject {
        bucket: bucket_name(BUCKET),
        key: object_key(key),
        metadata: Default::default(),
        storage_class: None,
        settings: Default::default(),
        encryption: EncryptionWish::Unspecified,
        conditions: Default::default(),
        expected: Default::default(),
        keep: Vec::new(),
        tag: TagPromise::UnlessKeyed,
    }
}

pub(crate) fn get(key: &str) -> GetObject {
    GetObject {
        bucket: bucket_name(BUCKET),
        key: object_key(key),
        version: None,
        range: None,
        part: None,
        unsatisfiable: Unsatisfiable::Refused,
        conditions: Default::default(),
        customer_key: None,
        overrides: Default::default(),
        show_checksums: false,
    }
}

pub(crate) fn copy(from: &str, source: Method, to: &str, target: Method) -> CopyObject {
    CopyObject {
        source: GetObject { customer_key: source.key_for_reading(), ..get(from) },
        target: PutObject { encryption: target.wish(), ..put(to) },
        metadata_from: MetadataFrom::Source,
        tags_from: MetadataFrom::Source,
        checksums: CopiedChecksums::OfSource { otherwise: None },
        onto_itself: OntoItself::Changes,
        unchanged: Unchanged::Failed,
        links: Links::Followed,
    }
}

pub(crate) fn list() -> ListObjects {
    ListObjects {
        bucket: bucket_name(BUCKET),
        prefix: String::new(),
        delimiter: String::new(),
        after: String::new(),
        marker: None,
        start_after: None,
        continuation_token: None,
        max_keys: 1000,
        url_encoded: false,
        version: ListVersion::V2,
        fetch_owner: false,
    }
}

/// `bytes` as a body that arrives in pieces of odd lengths.
pub(crate) fn pieces(bytes: &[u8]) -> ByteStream {
    let pieces: Vec<_> = bytes.chunks(40_007).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    Box::pin(stream::iter(pieces))
}

/// Bytes that look like nothing, the same every time.
pub(crate) fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64 ^ len as u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..len).map(|_| next()).collect()
}
