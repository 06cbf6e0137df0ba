//! The root account and its users.

use strongroom_model::account::{Principal, UserName};
use strongroom_model::failure::FailureCode;
use strongroom_model::name::AccessKeyId;
use strongroom_model::operation::AdminOperation;
use strongroom_model::outcome::AdminOutcome;
use strongroom_model::secret::SecretKey;
use strongroom_store::{Config, Engine, OpenError, RootCredentials, surroundings::Entropy};

use super::bench::{Bench, config};

#[tokio::test]
async fn a_user_signs_with_its_key_until_it_is_deleted() {
    let bench = Bench::memory().await;
    let name = UserName::parse("ann").unwrap();
    let made = bench.admin(AdminOperation::CreateUser(name.clone())).await.unwrap();
    let AdminOutcome::UserCreated { user, secret } = made else { panic!() };
    let [id] = user.access_keys.as_slice() else { panic!() };
    assert_eq!((id.as_str().len(), secret.expose().len()), (20, 40));
    let credential = bench.engine.credential(id, None).await.unwrap().unwrap();
    assert_eq!(credential.requester.principal, Principal::User(bench.account, name.clone()));
    assert_eq!(credential.secret.expose(), secret.expose());
    let again = bench.admin(AdminOperation::CreateUser(name.clone())).await.unwrap_err();
    assert_eq!(again.code, FailureCode::AlreadyExists);
    let AdminOutcome::Users(users) = bench.admin(AdminOperation::ListUsers).await.unwrap() else { panic!() };
    assert_eq!(users, std::slice::from_ref(&user));
    bench.admin(AdminOperation::DeleteUser(name.clone())).await.unwrap();
    assert!(bench.engine.credential(id, None).await.unwrap().is_none());
    assert!(bench.admin(AdminOperation::DeleteUser(name)).await.is_err());
}

fn open_config(folder: &std::path::Path, root: Option<(&str, &str)>) -> Config {
    let root = root.map(|(id, secret)| RootCredentials {
        access_key: AccessKeyId::parse(id).unwrap(),
        secret: SecretKey::new(secret.into()),
    });
    Config { root, ..config(folder) }
}

async fn open(config: Config) -> Result<strongroom_store::Opened, OpenError> {
    let entropy = Entropy::new(|bytes| {
        use std::io::Read as _;
        std::fs::File::open("/dev/urandom").unwrap().read_exact(bytes).unwrap();
        Ok(())
    });
    let clock = std::sync::Arc::new(|| strongroom_model::time::Timestamp::from_seconds(1));
    Engine::open(config, clock, entropy).await
}

#[tokio::test]
async fn the_first_start_makes_credentials_and_later_ones_keep_them() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("data");
    let opened = open(open_config(&folder, None)).await.unwrap();
    let made = opened.first_start.as_ref().unwrap();
    let (id, secret) = (made.access_key.clone(), made.secret.expose().to_owned());
    let busy = open(open_config(&folder, None)).await.err().unwrap();
    assert!(busy.to_string().contains("in use by another process"), "{busy}");
    let root = opened.root;
    drop(opened);

    let opened = open(open_config(&folder, None)).await.unwrap();
    assert!(opened.first_start.is_none() && opened.root == root);
    let credential = opened.engine.credential(&id, None).await.unwrap().unwrap();
    assert_eq!((credential.requester.principal, credential.secret.expose()), (Principal::Root(root), secret.as_str()));
    drop(opened);

    let opened = open(open_config(&folder, Some(("CONFIGURED", "secret")))).await.unwrap();
    assert!(opened.first_start.is_none() && opened.root == root);
    let configured = AccessKeyId::parse("CONFIGURED").unwrap();
    assert_eq!(opened.engine.credential(&configured, None).await.unwrap().unwrap().secret.expose(), "secret");
    assert!(opened.engine.credential(&id, None).await.unwrap().is_none(), "the old key is replaced");
}

#[tokio::test]
async fn folders_that_are_not_ours_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("letter.txt"), "dear").unwrap();
    let refused = open(open_config(folder.path(), None)).await.err().unwrap();
    assert!(refused.to_string().contains("is not empty and no data folder"), "{refused}");
}
