//! What must hold of any text that is taken for a policy. The fuzz targets run these functions; here every file of their
//! corpora is replayed.

use strongroom_iam::{Attached, Policy};
use strongroom_model::name::BucketName;
use strongroom_model::policy::{PolicyDocument, PolicyLanguage};

/// A text is understood or refused with words, in the same way each time; a bucket's policy names that bucket alone; what is
/// too long is never understood.
pub(crate) fn policy(language: PolicyLanguage, data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else { return false };
    let bucket = BucketName::parse("bucket").expect("a valid name");
    let document = PolicyDocument { language, text: text.to_owned() };
    let mut understood = false;
    for attached in [Attached::Identity, Attached::Bucket(&bucket)] {
        match (Policy::parse(&document, attached), Policy::parse(&document, attached)) {
            (Ok(policy), Ok(again)) => {
                assert_eq!(policy, again);
                assert!(text.len() <= PolicyDocument::BYTES_MAX, "a policy that is too long was understood");
                assert!(matches!(attached, Attached::Bucket(_)) || !policy.is_public(), "an identity is nobody else");
                understood = true;
            }
            (Err(invalid), Err(again)) => {
                assert_eq!(invalid, again);
                assert!(!invalid.to_string().is_empty());
            }
            _ => panic!("the same text was understood and refused"),
        }
    }
    understood
}

#[cfg(test)]
mod corpora {
    use std::fs;
    use std::path::Path;

    use super::{PolicyLanguage, policy};

    #[test]
    fn every_file_of_the_corpora_is_replayed() {
        for (language, name) in [
            (PolicyLanguage::Huawei, "policy_huawei"),
            (PolicyLanguage::Alibaba, "policy_alibaba"),
            (PolicyLanguage::Amazon, "policy_amazon"),
        ] {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(name);
            let files = fs::read_dir(folder).expect("the target has a corpus");
            let understood = files.filter(|file| {
                let path = file.as_ref().expect("an entry can be read").path();
                policy(language, &fs::read(path).expect("a file can be read"))
            });
            assert!(understood.count() > 1, "{name} has policies among its inputs");
        }
    }
}
