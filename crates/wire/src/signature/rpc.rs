//! Alibaba Cloud's signature of RPC requests, its key service among them: HMAC-SHA1 under the secret and an ampersand, of all
//! parameters of the query and of the form, sorted. Nothing else is signed; there is nothing else in such a request.

use strongroom_model::failure::{Failure, FailureCode};
use strongroom_model::name::AccessKeyId;

use super::candidate::Candidate;
use super::crypto::Mac;
use super::head::{Empty, Head, encoded};
use super::payload::PayloadWord;
use super::scope::malformed;
use super::sign::UrlParameters;
use super::validity::Validity;
use super::{Scheme, date};
use crate::claim::{KeyRule, Signed};

/// `Signature=…` among the parameters. Requests of ours are never signed so.
pub static RPC: Scheme = Scheme {
    word: "HMAC-SHA1",
    url_marks: &["Signature", "SignatureMethod"],
    scoped: false,
    read_header: |_, _, _| Err(malformed("Requests of this kind are signed in their parameters.")),
    read_url: |head, _| read(head),
    form_marks: &[],
    read_form: |_, _| Err(malformed("This signing method has no signed forms.")),
    dress_header: |_, _, _, _| Ok(String::new()),
    dress_url: |_, _, _, _| UrlParameters { signed: Vec::new(), signature: SIGNATURE },
};

const SIGNATURE: &str = "Signature";

fn read(head: &Head<'_>) -> Result<Signed, Failure> {
    let required =
        |name| head.text_parameter(name)?.ok_or_else(|| malformed("A parameter of the signature is missing."));
    let mac = match required("SignatureMethod")? {
        "HMAC-SHA1" => Mac::Sha1,
        "HMAC-SHA256" => Mac::Sha256,
        _ => return Err(malformed("The signature method is not known.")),
    };
    let when = head.text_parameter("Timestamp")?.and_then(date::read_extended).ok_or(FailureCode::MissingDate)?;
    let (id, presented) = (required("AccessKeyId")?, required(SIGNATURE)?);
    let parameters = head.canonical_query(Some(SIGNATURE), Empty::Equals);
    let text = format!("{}&%2F&{}", head.method(), encoded(parameters.as_bytes()));
    Ok(Signed {
        access_key: AccessKeyId::parse(id).map_err(|_| malformed("The access key's id is not well formed."))?,
        token: head.text_parameter("SecurityToken")?.map(str::to_owned),
        scheme: &RPC,
        by_url: true,
        validity: Validity::Around(when),
        candidates: vec![Candidate::plain(text.into_bytes())],
        key: KeyRule::SecretAndAmpersand(mac),
        presented: presented.to_owned(),
        payload: PayloadWord::Unsigned,
    })
}

#[cfg(test)]
mod tests {
    use strongroom_model::secret::SecretKey;

    use super::super::Target;
    use crate::claim::Claim;

    /// The example of the key service's own documentation.
    const QUERY: &str = "AccessKeyId=testid&Action=CreateKey&Format=json&SignatureMethod=HMAC-SHA1&SignatureVersion=1.0\
        &Timestamp=2016-03-28T03%3A13%3A08Z&Version=2016-01-20";

    fn verified(query: &str, form: &str, secret: &str) -> bool {
        let request = http::Request::builder().method(if form.is_empty() { "GET" } else { "POST" });
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let (parts, ()) = request.uri(format!("/?{query}")).body(()).unwrap().into_parts();
        let target = Target { bucket: None, virtual_hosted: false };
        let claim = Claim::read_with_document(&parts, &target, &[&super::RPC], None, form.as_bytes()).unwrap();
        let Claim::Signed(signed) = claim else { panic!("it is signed") };
        let now = super::date::read_extended("2016-03-28T03:13:08Z").unwrap();
        signed.verify(&SecretKey::new(secret.to_owned()), now).is_ok()
    }

    #[test]
    fn the_documented_request_is_signed_as_documented() {
        let signature = "&Signature=41wk2SSX1GJh7fwnc5eqOfiJPFg%3D";
        assert!(verified(&format!("{QUERY}{signature}"), "", "testsecret"));
        assert!(!verified(&format!("{QUERY}{signature}"), "", "othersecret"));
        assert!(!verified(&format!("{QUERY}{signature}&More=1"), "", "testsecret"), "a parameter was put in");
        assert!(!verified(&format!("{QUERY}{signature}"), "More=1", "testsecret"), "a field was put in");
    }
}
