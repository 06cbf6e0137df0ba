//! What is answered about the audit trail.

/// What a verification has found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditReport {
    /// Segments that there are.
    pub segments: u64,
    /// Lines in them.
    pub lines: u64,
    /// Lines among these that are records.
    pub records: u64,
    /// When the first of them was written down.
    pub first: Option<String>,
    /// When the last of them was.
    pub last: Option<String>,
    /// The last line that a signature covers.
    pub signed: u64,
    /// The hash of the last line, in hex.
    pub head: String,
    /// Bytes behind the last signature: what was written in the last second and has a mark of the server's own, a write under way, or one
    /// that a crash has cut short. They prove nothing yet.
    pub unsigned_bytes: u64,
    /// The Ed25519 key that the signatures were held against, in hex.
    pub public_key: String,
    /// What is not as it was written.
    pub problems: Vec<AuditProblem>,
    /// How many of these there are; not all are told.
    pub problem_count: u64,
}

/// Something that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditProblem {
    /// In which segment; the last one for what is about the trail as a whole.
    pub segment: u64,
    /// At which line of it, from 1.
    pub line: u64,
    /// What was seen.
    pub what: String,
}
