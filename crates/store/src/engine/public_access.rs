//! What a bucket's owner lets nobody make public, held against lists and policies when they are put. Those that are there
//! already are judged at each request.

use strongroom_model::acl::AclWish;
use strongroom_model::failure::{Failure, FailureCode};

use crate::catalog::buckets::Bucket;

/// Holds a list against the bucket that it is to be for, or for an object in.
///
/// # Errors
/// `AccessDenied` for a public one where those are blocked.
pub(super) fn check_list(bucket: &Bucket, list: &AclWish) -> Result<(), Failure> {
    let blocked = bucket.facts.public_access_block.is_some_and(|block| block.block_acls);
    if blocked && list.resolve(bucket.facts.owner).is_public() {
        return Err(refused("The bucket's owner has blocked public access control lists (BlockPublicAcls)."));
    }
    Ok(())
}

/// The same of a public policy.
///
/// # Errors
/// `AccessDenied` where those are blocked.
pub(super) fn check_policy(bucket: &Bucket) -> Result<(), Failure> {
    match bucket.facts.public_access_block {
        Some(block) if block.block_policy => {
            Err(refused("The bucket's owner has blocked public policies (BlockPublicPolicy)."))
        }
        _ => Ok(()),
    }
}

fn refused(message: &'static str) -> Failure {
    Failure::new(FailureCode::AccessDenied).with_message(message)
}
