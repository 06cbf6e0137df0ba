//! Every operation of every dialect, by the route tables, asked by those who may not: nobody is let in, and nobody learns more
//! than that. A new row is walked as soon as it is in its table.

use std::net::SocketAddr;

use strongroom_wire::{
    DIALECTS, Dialect,
    route::{Route, Verb, When, rows},
    signature::{Scheme, oss4::OSS4, v2::OBS, v4::AWS4},
    target::Level,
};

use crate::{
    administer::command,
    client::{Answer, Ask, make_bucket},
    process::Site,
};

/// What whoever comes may ask: which API there is, what a browser may send, and a form, whose fields say who signed it.
const OPEN: [&str; 4] = ["Probe", "ProbeBucket", "OptionsPreflight", "PostObject"];

/// What a request is told that cannot be read, whoever sends it: it lacks its document, its length or an argument. What those may do
/// who send one that can be read is in the matrix of `iam`.
const UNREADABLE: [&str; 4] = ["MissingRequestBodyError", "MalformedXML", "MissingContentLength", "InvalidArgument"];

/// Who asks, and may not.
#[derive(Debug, Clone, Copy)]
enum Stranger {
    Unsigned,
    /// With the root user's access key, and not its secret.
    Guessing,
    /// A user to whom no policy is attached.
    WithoutRights,
}

#[test]
fn no_operation_lets_a_stranger_in() {
    let server = Site::new().start();
    make_bucket(server.http, "bucket");
    assert_eq!(Ask::s3("PUT", "/bucket/key").send(server.http, b"body").unwrap().status, 200);
    let user = command(&server, &["user", "create", "stranger"]);
    let user = (user["access_key"].as_str().unwrap(), user["secret_key"].as_str().unwrap());
    let (mut walked, mut wrong) = (0, Vec::new());
    for dialect in DIALECTS {
        for route in rows(dialect).filter(|route| route.is_built() && !OPEN.contains(&route.name)) {
            for stranger in [Stranger::Unsigned, Stranger::Guessing, Stranger::WithoutRights] {
                let answer = asked(server.http, dialect, route, stranger, user);
                walked += 1;
                if !is_refused(&answer, route.verb, stranger) {
                    wrong.push(format!(
                        "{} {} {stranger:?}: {} {}",
                        dialect.name,
                        route.name,
                        answer.status,
                        answer.code()
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {walked}:\n{}", wrong.len(), wrong.join("\n"));
    let answer = Ask::s3("GET", "/bucket/key").send(server.http, b"").unwrap();
    assert_eq!((answer.status, answer.text().as_str()), (200, "body"), "nothing was changed");
    server.stop();
}

/// Whether the answer is a refusal. Those to HEAD have no document.
fn is_refused(answer: &Answer, verb: Verb, stranger: Stranger) -> bool {
    let said = match stranger {
        Stranger::Guessing => answer.code() == "SignatureDoesNotMatch",
        Stranger::Unsigned | Stranger::WithoutRights => answer.code() == "AccessDenied",
    };
    let unreadable = matches!(answer.status, 400 | 411) && UNREADABLE.contains(&answer.code().as_str());
    unreadable || answer.status == 403 && (said || verb == Verb::Head)
}

fn asked(address: SocketAddr, dialect: &Dialect, route: &Route, stranger: Stranger, user: (&str, &str)) -> Answer {
    let (method, prefix) = (method(route.verb), dialect.header_prefix);
    let place = match route.level {
        Level::Service => "/",
        Level::Bucket => "/bucket",
        Level::Object => "/bucket/key",
    };
    let (query, header) = besides(route);
    let target = format!("{place}{query}");
    let mut ask = Ask { scheme: scheme(dialect), ..Ask::s3(method, &target) };
    let named = header.map(|suffix| format!("{prefix}{suffix}"));
    if let Some(name) = &named {
        ask = ask.header(name, "/bucket/key");
    }
    let date = format!("{prefix}date");
    match stranger {
        // The header tells the dialect.
        Stranger::Unsigned => ask.header(&date, "20261122T000000Z").unsigned().send(address, b"").unwrap(),
        Stranger::Guessing => ask.by(crate::process::ACCESS_KEY, "not the secret").send(address, b"").unwrap(),
        Stranger::WithoutRights => ask.by(user.0, user.1).send(address, b"").unwrap(),
    }
}

/// The query and the header that make a request one of that row.
fn besides(route: &Route) -> (String, Option<&'static str>) {
    match route.when {
        When::Plain | When::Anything => (String::new(), None),
        When::Query(name) => (format!("?{}", parameter(name)), None),
        When::QueryIs(name, value) => (format!("?{name}={value}"), None),
        When::Queries(first, second) => (format!("?{}&{}", parameter(first), parameter(second)), None),
        When::Header(suffix) => (String::new(), Some(suffix)),
        When::QueriesAndHeader(first, second, suffix) => {
            (format!("?{}&{}", parameter(first), parameter(second)), Some(suffix))
        }
    }
}

/// A parameter with a value that can be read, where one is needed.
fn parameter(name: &str) -> String {
    match name {
        "uploadId" => format!("uploadId={}", "0".repeat(32)),
        "partNumber" => "partNumber=1".to_owned(),
        "position" => "position=0".to_owned(),
        "append" => "append&position=0".to_owned(),
        "wormId" => format!("wormId={}", "0".repeat(32)),
        "wormExtend" => format!("wormExtend&wormId={}", "0".repeat(32)),
        "id" | "inventoryId" => format!("{name}=report"),
        _ => name.to_owned(),
    }
}

fn method(verb: Verb) -> &'static str {
    match verb {
        Verb::Get => "GET",
        Verb::Head => "HEAD",
        Verb::Put => "PUT",
        Verb::Post => "POST",
        Verb::Delete => "DELETE",
        Verb::Options => "OPTIONS",
    }
}

fn scheme(dialect: &Dialect) -> &'static Scheme {
    match dialect.name {
        "obs" => &OBS,
        "oss" => &OSS4,
        _ => &AWS4,
    }
}
