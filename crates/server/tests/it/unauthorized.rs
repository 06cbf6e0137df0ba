//! Every operation of every dialect, by the route tables, asked by those who may not: nobody is let in, and nobody learns more
//! than that. A new row is walked as soon as it is in its table.

use std::net::SocketAddr;

use strongroom_wire::{
    DIALECTS, Dialect,
    route::{Route, Verb, rows},
};

use crate::{
    administer::command,
    client::{Answer, Ask, make_bucket},
    every::{FORM, Made, Place},
    process::{ACCESS_KEY, Site},
};

/// What whoever comes may ask: which API there is, and what a browser may send.
pub(crate) const OPEN: [&str; 3] = ["Probe", "ProbeBucket", "OptionsPreflight"];

/// What whoever does not sign by V4 is told to sign so, whatever there is and whoever it is.
const BY_V4_ALONE: &str = "UpdateObjectEncryption";

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
                if !is_refused(&answer, route, stranger) {
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
fn is_refused(answer: &Answer, route: &Route, stranger: Stranger) -> bool {
    let expected = match stranger {
        Stranger::Unsigned if route.name == BY_V4_ALONE => (400, "InvalidRequest"),
        Stranger::Guessing => (403, "SignatureDoesNotMatch"),
        Stranger::Unsigned | Stranger::WithoutRights => (403, "AccessDenied"),
    };
    answer.status == expected.0 && (route.verb == Verb::Head || answer.code() == expected.1)
}

fn asked(address: SocketAddr, dialect: &Dialect, route: &Route, stranger: Stranger, user: (&str, &str)) -> Answer {
    let place = Place::of("bucket");
    let signer = match stranger {
        Stranger::Unsigned => None,
        Stranger::Guessing => Some((ACCESS_KEY, "not the secret")),
        Stranger::WithoutRights => Some(user),
    };
    if route.name == FORM {
        let made = Made::form(dialect, &place, signer);
        return made.ask().unsigned().send(address, made.body.as_bytes()).unwrap();
    }
    let made = Made::of(dialect, route, &place);
    let ask = match signer {
        None => made.ask_unsigned(),
        Some((access_key, secret)) => made.ask().by(access_key, secret),
    };
    ask.send(address, made.body.as_bytes()).unwrap()
}
