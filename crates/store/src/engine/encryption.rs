//! Which encryption a write gets, decided once and as a whole, before anything is written; and the keys for it.

use strongroom_model::account::AccountId;
use strongroom_model::encryption::{
    AppliedEncryption, BucketEncryption, DataAlgorithm, DefaultMethod, EncryptionContext, EncryptionWish, KmsApplied,
    KmsWish,
};
use strongroom_model::failure::{Failure, FailureCode, Subject};
use strongroom_model::key::KeyReference;
use strongroom_model::secret::CustomerKey;
use strongroom_seal::{AES_256_GCM, AES_256_GCM_TWICE, ContentKey, Envelope, Identity, SM4_GCM, Suite};

use super::{Caller, Engine, customer};
use crate::{catalog::buckets::Bucket, key_user::ObjectPlace, kms::KeySelector, opening::Version};

/// How objects are sealed when neither the request nor the bucket says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum ServerDefault {
    /// Not at all.
    #[default]
    None,
    /// By a key that the service manages.
    Managed(DataAlgorithm),
    /// By a customer master key.
    Kms {
        /// Which; none is the account's default key.
        key: Option<KeyReference>,
        /// The data cipher.
        algorithm: DataAlgorithm,
    },
}

/// The encryption of one write, decided.
#[derive(Debug)]
pub(super) enum Choice<'a> {
    /// None.
    Plain,
    /// By a key that the service manages.
    Managed(DataAlgorithm),
    /// By a customer master key; the bucket-key flag is decided.
    Kms(KmsWish),
    /// By a key that came with the request.
    Customer(&'a CustomerKey),
}

/// What an object version is sealed with.
pub(super) struct Protection {
    /// The key to seal with.
    pub(super) content: ContentKey,
    /// How that key is kept.
    pub(super) envelope: Envelope,
    /// The client's context, to which the keys are bound.
    pub(super) context: EncryptionContext,
    /// What answers say.
    pub(super) applied: AppliedEncryption,
}

/// What the request asks for, as a whole; else what the bucket says, as a whole; else what the server says. Only the
/// bucket-key flag of a request that leaves it open is the bucket's.
pub(super) fn choose<'a>(
    wish: &'a EncryptionWish,
    bucket: Option<&BucketEncryption>,
    server: &ServerDefault,
) -> Choice<'a> {
    match wish {
        EncryptionWish::Customer(key) => Choice::Customer(key),
        EncryptionWish::Managed(algorithm) => Choice::Managed(*algorithm),
        EncryptionWish::Kms(wish) => {
            let bucket_key = wish.bucket_key.or(bucket.map(|bucket| bucket.bucket_key));
            Choice::Kms(KmsWish { bucket_key, ..wish.clone() })
        }
        EncryptionWish::Unspecified => bucket.map_or_else(|| of_server(server), of_bucket),
    }
}

fn of_bucket<'a>(encryption: &BucketEncryption) -> Choice<'a> {
    match &encryption.method {
        DefaultMethod::Managed(algorithm) => Choice::Managed(*algorithm),
        DefaultMethod::Kms { key, algorithm, project } => Choice::Kms(KmsWish {
            key: key.clone(),
            algorithm: *algorithm,
            context: EncryptionContext::new(),
            bucket_key: Some(encryption.bucket_key),
            project: project.clone(),
        }),
    }
}

fn of_server<'a>(server: &ServerDefault) -> Choice<'a> {
    match server {
        ServerDefault::None => Choice::Plain,
        ServerDefault::Managed(algorithm) => Choice::Managed(*algorithm),
        ServerDefault::Kms { key, algorithm } => Choice::Kms(KmsWish {
            key: key.clone(),
            algorithm: *algorithm,
            context: EncryptionContext::new(),
            bucket_key: Some(false),
            project: None,
        }),
    }
}

impl Engine {
    /// Which encryption a write gets. A connection that may not carry it, and a bucket that does not want it, is refused
    /// here, before any key is made.
    pub(super) fn choose<'a>(
        &self,
        caller: &Caller,
        wish: &'a EncryptionWish,
        bucket: &Bucket,
    ) -> Result<Choice<'a>, Failure> {
        let choice = choose(wish, bucket.facts.encryption.as_ref(), &self.encryption_default);
        match choice {
            Choice::Customer(_) if !caller.transport.customer_keys => Err(FailureCode::CustomerKeyNeedsTls.into()),
            Choice::Customer(_) if bucket.facts.blocks_customer_keys => {
                let name = bucket.facts.name.as_str().to_owned();
                Err(Failure::new(FailureCode::CustomerKeysBlocked).about(Subject::Text(name)))
            }
            Choice::Kms(_) if !caller.transport.kms => Err(FailureCode::KmsNeedsTls.into()),
            choice => Ok(choice),
        }
    }

    /// Makes the keys for an object version: at most one call to the key service, and none if a bucket key is known. Master keys are looked up, and made, in
    /// the caller's account; keys that the service manages are those of `owner`, whose the object will be.
    pub(super) async fn protect(
        &self,
        caller: &Caller,
        choice: Choice<'_>,
        owner: AccountId,
        identity: &Identity,
    ) -> Result<Protection, Failure> {
        match choice {
            Choice::Plain => Ok(Protection {
                content: ContentKey::plain(),
                envelope: Envelope::plain(),
                context: EncryptionContext::new(),
                applied: AppliedEncryption::Plain,
            }),
            Choice::Customer(key) => {
                let (content, envelope) = customer::protect(&self.entropy, identity, key)?;
                let applied = AppliedEncryption::Customer { key_md5: Some(key.md5()) };
                Ok(Protection { content, envelope, context: EncryptionContext::new(), applied })
            }
            Choice::Managed(algorithm) => {
                let context = EncryptionContext::new();
                let place = ObjectPlace { identity, context: &context, by_bucket_key: false };
                let made = caller.keys.data_key(owner, KeySelector::Managed, suite(algorithm), place).await?;
                let applied = AppliedEncryption::Managed(algorithm);
                Ok(Protection { content: made.content, envelope: made.envelope, context, applied })
            }
            Choice::Kms(wish) => self.protect_by_master_key(caller, wish, identity).await,
        }
    }

    async fn protect_by_master_key(
        &self,
        caller: &Caller,
        wish: KmsWish,
        identity: &Identity,
    ) -> Result<Protection, Failure> {
        let account = caller.rights.principal().account().ok_or(FailureCode::KmsNeedsSignature)?;
        let (named, project) = (wish.key.as_ref(), wish.project.as_deref());
        // Two layers have no bucket key, whoever allows one.
        let by_bucket_key = wish.bucket_key.unwrap_or(false) && wish.algorithm != DataAlgorithm::Aes256Twice;
        let place = ObjectPlace { identity, context: &wish.context, by_bucket_key };
        let key = Box::pin(self.key_to_seal(caller, named, project, place)).await?;
        let which = KeySelector::Reference(&key);
        let made = caller.keys.data_key(account, which, suite(wish.algorithm), place).await?;
        let applied = KmsApplied {
            key: made.name,
            algorithm: wish.algorithm,
            bucket_key: by_bucket_key,
            project: wish.project,
            context: wish.context.clone(),
        };
        Ok(Protection {
            content: made.content,
            envelope: made.envelope,
            context: wish.context,
            applied: AppliedEncryption::Kms(applied),
        })
    }

    /// The key to open a version with, unless it is under a customer's: at most one call to the key service. What the
    /// envelope says decides, and not how the server is configured now.
    pub(super) async fn unlock(&self, caller: &Caller, version: &Version) -> Result<ContentKey, Failure> {
        version.unlock(&caller.keys).await
    }
}

fn suite(algorithm: DataAlgorithm) -> &'static Suite {
    match algorithm {
        DataAlgorithm::Aes256 => &AES_256_GCM,
        DataAlgorithm::Sm4 => &SM4_GCM,
        DataAlgorithm::Aes256Twice => &AES_256_GCM_TWICE,
    }
}

#[cfg(test)]
mod tests {
    use strongroom_model::secret::CustomerKey;

    use super::*;

    /// What was chosen, in a word.
    fn spell(choice: &Choice<'_>) -> String {
        match choice {
            Choice::Plain => "plain".into(),
            Choice::Managed(algorithm) => format!("managed {algorithm:?}"),
            Choice::Customer(_) => "customer".into(),
            Choice::Kms(wish) => {
                let key = wish.key.as_ref().map_or("default", |key| key.text.as_str());
                let project = wish.project.as_deref().unwrap_or("-");
                format!("kms {key} {:?} bucket-key={:?} project={project}", wish.algorithm, wish.bucket_key)
            }
        }
    }

    fn kms(key: Option<&str>, algorithm: DataAlgorithm, bucket_key: Option<bool>) -> EncryptionWish {
        EncryptionWish::Kms(KmsWish {
            key: key.map(KeyReference::parse),
            algorithm,
            context: EncryptionContext::new(),
            bucket_key,
            project: None,
        })
    }

    fn bucket_kms(bucket_key: bool) -> BucketEncryption {
        let key = Some(KeyReference::parse("bucket's"));
        let method = DefaultMethod::Kms { key, algorithm: DataAlgorithm::Sm4, project: Some("p".into()) };
        BucketEncryption { method, bucket_key }
    }

    /// The rules of precedence that all three services state, row by row.
    #[test]
    fn the_table_of_precedence() {
        use DataAlgorithm::{Aes256, Sm4};
        let none = None;
        let managed = BucketEncryption { method: DefaultMethod::Managed(Aes256), bucket_key: true };
        let (on, off) = (bucket_kms(true), bucket_kms(false));
        let server = ServerDefault::Managed(Sm4);
        let customer = EncryptionWish::Customer(CustomerKey::new([7; 32].into(), [0; 16]));
        let rows = [
            (&EncryptionWish::Unspecified, none, &ServerDefault::None, "plain"),
            (&EncryptionWish::Unspecified, none, &server, "managed Sm4"),
            (&EncryptionWish::Unspecified, Some(&managed), &server, "managed Aes256"),
            (&EncryptionWish::Unspecified, Some(&on), &server, "kms bucket's Sm4 bucket-key=Some(true) project=p"),
            (&EncryptionWish::Managed(Aes256), Some(&on), &server, "managed Aes256"),
            (&customer, Some(&on), &server, "customer"),
            // Neither the bucket's key, nor its cipher, nor its project.
            (&kms(None, Aes256, None), Some(&on), &server, "kms default Aes256 bucket-key=Some(true) project=-"),
            (&kms(None, Aes256, None), Some(&off), &server, "kms default Aes256 bucket-key=Some(false) project=-"),
            (&kms(Some("mine"), Sm4, Some(false)), Some(&on), &server, "kms mine Sm4 bucket-key=Some(false) project=-"),
            (&kms(None, Aes256, None), Some(&managed), &server, "kms default Aes256 bucket-key=Some(true) project=-"),
            (&kms(None, Aes256, None), none, &server, "kms default Aes256 bucket-key=None project=-"),
        ];
        for (wish, bucket, server, expected) in rows {
            assert_eq!(spell(&choose(wish, bucket, server)), expected);
        }
        let server = ServerDefault::Kms { key: Some(KeyReference::parse("server's")), algorithm: Aes256 };
        let chosen = choose(&EncryptionWish::Unspecified, None, &server);
        assert_eq!(spell(&chosen), "kms server's Aes256 bucket-key=Some(false) project=-");
    }
}
