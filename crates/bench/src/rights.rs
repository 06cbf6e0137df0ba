//! What it costs to say who asks and whether they may: decoding, verifying a signature by each scheme, and deciding by policies of
//! so many statements. In this process, without a server, a socket or a catalog.

use std::error::Error;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use clap::Args;
use http::Request;
use http::request::Parts;

use strongroom_iam::{Attached, BucketCase, Case, NamedPolicy, Policy, Subject, Transport, authorize};
use strongroom_model::account::{AccountId, Principal, UserName};
use strongroom_model::acl::Acl;
use strongroom_model::circumstance::{Circumstances, RequestWords};
use strongroom_model::metadata::CannedAcl;
use strongroom_model::name::{AccessKeyId, BucketName, Region};
use strongroom_model::operation::Operation;
use strongroom_model::policy::{PolicyDocument, PolicyLanguage};
use strongroom_model::public_access::PublicAccessBlock;
use strongroom_model::secret::SecretKey;
use strongroom_model::time::Timestamp;
use strongroom_wire::signature::payload::PayloadWord;
use strongroom_wire::signature::sign::Signer;
use strongroom_wire::signature::signing_keys::SigningKeys;
use strongroom_wire::signature::{Scheme, Target, oss1, oss2, oss4, v2, v4};
use strongroom_wire::{Asked, Claim, Intent, Site, recognise};

use crate::measure::Spread;

/// Runs of each measurement; the median is shown.
const ROUNDS: usize = 5;

/// Requests between two looks at the clock.
const BATCH: u32 = 100;

/// Numbers of statements that a caller's policies have.
const STATEMENTS: [usize; 3] = [1, 10, 100];

/// The schemes, with what they are called.
const SCHEMES: [(&str, &Scheme); 6] = [
    ("OBS (HMAC-SHA1)", &v2::OBS),
    ("AWS V2 (HMAC-SHA1)", &v2::AWS2),
    ("AWS V4", &v4::AWS4),
    ("OSS V1 (HMAC-SHA1)", &oss1::OSS1),
    ("OSS V2", &oss2::OSS2),
    ("OSS V4", &oss4::OSS4),
];

/// Authentication and authorization alone.
#[derive(Args)]
pub struct RightsArguments {
    /// Seconds of each run.
    #[arg(long, default_value_t = 0.3)]
    seconds: f64,
}

/// A signed request, and what it takes to verify it.
struct Signed {
    parts: Parts,
    site: Site,
    secret: SecretKey,
    now: Timestamp,
}

impl RightsArguments {
    /// Measures, and prints both tables.
    ///
    /// # Errors
    /// Names that are none, requests that cannot be signed or decoded; none of which is expected.
    pub fn run(&self) -> Result<(), Box<dyn Error>> {
        println!("| scheme | decode µs | verify µs | verify µs, key derived anew |\n| --- | ---: | ---: | ---: |");
        for (name, scheme) in SCHEMES {
            let signed = Signed::new(scheme)?;
            let keys = SigningKeys::default();
            let decode = self.cost(|| signed.decode())?;
            let Claim::Signed(claim) = signed.decode()?.claim else { return Err("the request is not signed".into()) };
            let kept = self.cost(|| Ok(claim.verify_with(&keys, &signed.secret, signed.now)?))?;
            let anew = self.cost(|| Ok(claim.verify(&signed.secret, signed.now)?))?;
            println!("| {name} | {decode:.2} | {kept:.2} | {anew:.2} |");
        }
        println!("\n| statements | decide µs | decide µs, each with a condition |\n| ---: | ---: | ---: |");
        for statements in STATEMENTS {
            let [plain, conditional] = [false, true].map(|conditional| self.decision(&case(statements, conditional)?));
            println!("| {statements} | {:.2} | {:.2} |", plain?, conditional?);
        }
        Ok(())
    }

    /// Microseconds that a decision about a GET takes: the median of some runs. What is decided about is made before.
    fn decision(&self, case: &Case) -> Result<f64, Box<dyn Error>> {
        let signed = Signed::new(&v4::AWS4)?;
        self.median(|| {
            let made = (0..BATCH).map(|_| Ok((signed.operation()?, case.clone())));
            let made = made.collect::<Result<Vec<_>, Box<dyn Error>>>()?;
            let begun = Instant::now();
            let denied = made.into_iter().any(|(operation, case)| black_box(authorize(operation, case)).is_err());
            let spent = begun.elapsed();
            if denied { Err("the last statement allows".into()) } else { Ok(spent) }
        })
    }

    /// Microseconds that `work` takes: the median of some runs.
    fn cost<T>(&self, work: impl Fn() -> Result<T, Box<dyn Error>>) -> Result<f64, Box<dyn Error>> {
        self.median(|| {
            let begun = Instant::now();
            (0..BATCH).try_for_each(|_| black_box(work()).map(drop))?;
            Ok(begun.elapsed())
        })
    }

    /// Microseconds that one of a batch takes, by how long batches take: the median of some runs.
    fn median(&self, batch: impl Fn() -> Result<Duration, Box<dyn Error>>) -> Result<f64, Box<dyn Error>> {
        let round = |_| {
            let (mut spent, mut done) = (Duration::ZERO, 0_u32);
            while spent < Duration::from_secs_f64(self.seconds) {
                (spent, done) = (spent + batch()?, done + BATCH);
            }
            Ok(spent.as_secs_f64() * 1e6 / f64::from(done))
        };
        let rounds = (0..ROUNDS).map(round).collect::<Result<Vec<f64>, Box<dyn Error>>>()?;
        Ok(Spread::of(rounds).expect("there is more than one round").median)
    }
}

impl Signed {
    fn new(scheme: &Scheme) -> Result<Self, Box<dyn Error>> {
        let region = Region::parse("us-east-1").map_err(|why| why.to_string())?;
        let access_key = AccessKeyId::parse("AKBENCH0000000000001").map_err(|why| why.to_string())?;
        let secret = SecretKey::new("a secret of forty letters, as they all are".to_owned());
        let millis = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_millis();
        let now = Timestamp::from_millis(i64::try_from(millis)?);
        let request = Request::get("http://localhost/bucket/folder/object").header("user-agent", "strongroom-bench");
        let (mut parts, ()) = request.body(())?.into_parts();
        let target = Target { bucket: Some("bucket"), virtual_hosted: false };
        let signer = Signer { access_key: &access_key, secret: &secret, token: None, region: &region };
        scheme.sign(&mut parts, &target, &signer, now, &PayloadWord::Unsigned)?;
        let domains = vec!["localhost".to_owned()];
        let site = Site { domains, region, strict_region: false, s3_always_on: true };
        Ok(Self { parts, site, secret, now })
    }

    fn decode(&self) -> Result<Intent, Box<dyn Error>> {
        Ok(recognise(&self.parts).decode(&self.parts, &self.site)?)
    }

    fn operation(&self) -> Result<Operation, Box<dyn Error>> {
        match self.decode()?.asked {
            Asked::Complete(operation) => Ok(operation),
            _ => Err("a GET has no body".into()),
        }
    }
}

/// A user whose policy has so many statements, of which the last one allows, in a bucket of its own account.
fn case(statements: usize, conditional: bool) -> Result<Case, Box<dyn Error>> {
    let account = AccountId::new(1).ok_or("an account")?;
    let condition = if conditional { r#","Condition":{"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}}"# } else { "" };
    let statement = |bucket: &str| {
        format!(
            r#"{{"Effect":"Allow","Action":["s3:GetObject","s3:PutObject"],"Resource":"arn:aws:s3:::{bucket}/*"{condition}}}"#
        )
    };
    let others = (1..statements).map(|number| statement(&format!("other-{number}")));
    let all: Vec<String> = others.chain([statement("bucket")]).collect();
    let text = format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, all.join(","));
    let document = PolicyDocument { language: PolicyLanguage::Amazon, text };
    let policy = Arc::new(Policy::parse(&document, Attached::Identity)?);
    let principal = Principal::User(account, UserName::parse("ann").map_err(|why| why.to_string())?);
    let bucket = BucketCase {
        name: BucketName::parse("bucket").map_err(|why| why.to_string())?,
        id: [1; 16],
        owner: account,
        acl: Acl::canned(CannedAcl::Private, account),
        policy: None,
        block: PublicAccessBlock::default(),
        always_varies: false,
    };
    Ok(Case {
        subject: Subject {
            requester: principal.into(),
            groups: Vec::new(),
            policies: vec![NamedPolicy { name: "bench".to_owned(), policy }],
        },
        circumstances: Circumstances {
            request: None,
            source: Some("192.0.2.7".parse()?),
            tls: true,
            now: Timestamp::from_seconds(1_700_000_000),
            words: RequestWords::default(),
        },
        transport: Transport::TRUSTED,
        region: Region::parse("us-east-1").map_err(|why| why.to_string())?,
        bucket: Some(bucket),
        source_bucket: None,
        keys: Vec::new(),
    })
}
