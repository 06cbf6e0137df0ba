//! The public-access block: what a bucket's owner lets nobody make public.

/// Four switches, named as AWS names them; OSS has one that stands for all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PublicAccessBlock {
    /// Public lists are refused when they are set.
    pub block_acls: bool,
    /// Public lists have no effect.
    pub ignore_acls: bool,
    /// Public policies are refused when they are set.
    pub block_policy: bool,
    /// A public policy lets in the owner's account alone.
    pub restrict_buckets: bool,
}

impl PublicAccessBlock {
    /// Nothing may be public.
    pub const ALL: Self = Self { block_acls: true, ignore_acls: true, block_policy: true, restrict_buckets: true };
}
