//! Laws that hold for any policies: an explicit denial wins, an allowance added takes nothing away, order is nothing.

use std::sync::Arc;

use proptest::prelude::{Just, Strategy, any, prop_oneof, proptest};
use proptest::sample::{Index, select};
use strongroom_iam::{Case, NamedPolicy, authorize};
use strongroom_model::account::Principal;
use strongroom_model::operation::Operation;
use strongroom_model::policy::PolicyLanguage;

use crate::cases::{EVERYTHING, OTHER, OWNER, case, identity, of_bucket, root, user, with_bucket_policy};
use crate::operations::every_operation;

/// A statement, without the frame that differs between policies of identities and of buckets.
#[derive(Debug, Clone)]
struct Drawn {
    effect: &'static str,
    body: String,
    principal: &'static str,
}

impl Drawn {
    fn of_identity(&self) -> String {
        format!(r#"{{"Effect":"{}",{}}}"#, self.effect, self.body)
    }

    fn of_bucket(&self) -> String {
        format!(r#"{{"Effect":"{}",{},{}}}"#, self.effect, self.principal, self.body)
    }
}

fn policy(statements: &[String]) -> String {
    format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, statements.join(","))
}

fn drawn() -> impl Strategy<Value = Drawn> {
    let actions = select(vec![
        r#""Action":"*""#,
        r#""Action":"s3:*""#,
        r#""Action":"s3:Get*""#,
        r#""Action":["s3:PutObject","s3:DeleteObject"]"#,
        r#""Action":"s3:ListBucket""#,
        r#""NotAction":"s3:DeleteObject""#,
        r#""NotAction":["s3:Get*","kms:*"]"#,
        r#""Action":"kms:*""#,
        r#""Action":"s3:NoSuchThing""#,
    ]);
    let resources = select(vec![
        r#""Resource":"*""#,
        r#""Resource":["arn:aws:s3:::bucket","arn:aws:s3:::bucket/*"]"#,
        r#""Resource":"arn:aws:s3:::bucket/k?y""#,
        r#""Resource":"arn:aws:s3:::bucket/${aws:username}/*""#,
        r#""NotResource":"arn:aws:s3:::bucket/key""#,
        r#""NotResource":"arn:aws:s3:::bucket/${aws:username}""#,
    ]);
    let conditions = select(vec![
        "",
        r#","Condition":{"Bool":{"aws:SecureTransport":"true"}}"#,
        r#","Condition":{"Bool":{"aws:SecureTransport":"false"}}"#,
        r#","Condition":{"StringNotEquals":{"s3:x-amz-server-side-encryption":"aws:kms"}}"#,
        r#","Condition":{"StringEqualsIfExists":{"aws:username":["ann","bob"]},"Null":{"aws:Referer":"true"}}"#,
        r#","Condition":{"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}}"#,
        r#","Condition":{"ForAllValues:StringLike":{"s3:RequestObjectTagKeys":["a*"]}}"#,
    ]);
    let principals = select(vec![
        r#""Principal":"*""#,
        r#""Principal":{"AWS":"000000000001"}"#,
        r#""Principal":{"AWS":["arn:aws:iam::000000000001:user/ann","000000000002"]}"#,
        r#""NotPrincipal":{"AWS":"arn:aws:iam::000000000001:user/ann"}"#,
        r#""NotPrincipal":{"AWS":"000000000001"}"#,
    ]);
    let effects = prop_oneof![3 => Just("Allow"), 1 => Just("Deny")];
    (effects, actions, resources, conditions, principals).prop_map(
        |(effect, action, resource, condition, principal)| Drawn {
            effect,
            body: format!("{action},{resource}{condition}"),
            principal,
        },
    )
}

fn principal() -> impl Strategy<Value = Principal> {
    select(vec![
        Principal::Anonymous,
        root(OWNER),
        user(OWNER, "ann"),
        user(OWNER, "eve"),
        root(OTHER),
        user(OTHER, "bob"),
    ])
}

fn build(principal: &Principal, own: &[Drawn], buckets: &[Drawn]) -> Case {
    let own: Vec<String> = own.iter().map(Drawn::of_identity).collect();
    let buckets: Vec<String> = buckets.iter().map(Drawn::of_bucket).collect();
    let mut case = case(principal.clone(), &[]);
    if *principal != Principal::Anonymous && !own.is_empty() {
        let policy = Arc::new(identity(PolicyLanguage::Amazon, &policy(&own)));
        case.subject.policies.push(NamedPolicy { name: "drawn".to_owned(), policy });
    }
    if buckets.is_empty() {
        case
    } else {
        with_bucket_policy(case, of_bucket(PolicyLanguage::Amazon, &policy(&buckets)))
    }
}

fn operation(index: &Index) -> Operation {
    let mut all = every_operation();
    let place = index.index(all.len());
    all.swap_remove(place)
}

/// The questions of the OBS clients and of browsers are everybody's, whatever any policy says.
fn is_everybodys(name: &str) -> bool {
    name.starts_with("Probe") || name == "OptionsPreflight"
}

fn several() -> impl Strategy<Value = Vec<Drawn>> {
    proptest::collection::vec(drawn(), 0..5)
}

proptest! {
    #[test]
    fn an_explicit_denial_wins(who in principal(), own in several(), buckets in several(), index in any::<Index>()) {
        let mut case = build(&who, &own, &buckets);
        let everything = EVERYTHING.replace("Allow", "Deny");
        case.subject.policies.insert(0, NamedPolicy {
            name: "denial".to_owned(),
            policy: Arc::new(identity(PolicyLanguage::Amazon, &everything)),
        });
        let outcome = authorize(operation(&index), case);
        proptest::prop_assert_eq!(outcome.is_ok(), is_everybodys(operation(&index).name()));
    }

    #[test]
    fn an_allowance_added_takes_nothing_away(
        who in principal(), own in several(), buckets in several(), more in drawn(), to_bucket in any::<bool>(),
        index in any::<Index>(),
    ) {
        let before = authorize(operation(&index), build(&who, &own, &buckets)).is_ok();
        let more = Drawn { effect: "Allow", ..more };
        let (mut own, mut buckets) = (own, buckets);
        if to_bucket { buckets.push(more) } else { own.push(more) }
        let after = authorize(operation(&index), build(&who, &own, &buckets)).is_ok();
        proptest::prop_assert!(after || !before);
    }

    #[test]
    fn a_denial_added_gives_nothing(
        who in principal(), own in several(), buckets in several(), more in drawn(), to_bucket in any::<bool>(),
        index in any::<Index>(),
    ) {
        let before = authorize(operation(&index), build(&who, &own, &buckets)).is_ok();
        let more = Drawn { effect: "Deny", ..more };
        let (mut own, mut buckets) = (own, buckets);
        if to_bucket { buckets.push(more) } else { own.push(more) }
        let after = authorize(operation(&index), build(&who, &own, &buckets)).is_ok();
        proptest::prop_assert!(before || !after);
    }

    #[test]
    fn the_order_of_statements_is_nothing(
        who in principal(), own in several(), buckets in several(), index in any::<Index>(),
    ) {
        let forth = authorize(operation(&index), build(&who, &own, &buckets)).is_ok();
        let reversed = |drawn: &[Drawn]| drawn.iter().rev().cloned().collect::<Vec<_>>();
        let back = authorize(operation(&index), build(&who, &reversed(&own), &reversed(&buckets))).is_ok();
        proptest::prop_assert_eq!(forth, back);
    }

    #[test]
    fn what_nothing_allows_is_denied(who in principal(), own in several(), buckets in several(), index in any::<Index>()) {
        let denials = |drawn: Vec<Drawn>| drawn.into_iter().map(|it| Drawn { effect: "Deny", ..it }).collect::<Vec<_>>();
        let case = build(&who, &denials(own), &denials(buckets));
        let operation = operation(&index);
        let name = operation.name();
        // Reading is the object's own list's to allow, which the engine asks.
        let outcome = authorize(operation, case);
        let by_list = matches!(name, "GetObject" | "HeadObject" | "GetObjectMeta" | "GetObjectAttributes" | "GetSymlink");
        proptest::prop_assert!(is_everybodys(name) || by_list || outcome.is_err());
    }
}
