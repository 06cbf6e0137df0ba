//! The query parameters that enter the canonical resource of the schemes OBS and AWS V2.

/// The union of what the OBS documents and every SDK list, and the AWS SDKs. Names match whatever their case.
#[rustfmt::skip]
const SIGNED: &[&str] = &[
    "accelerate", "acl", "analytics", "append", "attname", "backtosource", "bucketStatus", "CDNNotifyConfiguration",
    "cors", "customdomain", "defaultObjectAcl", "delete", "deletebucket", "directcoldaccess", "dispolicy",
    "encryption", "fileinterface", "getcontentsummary", "ignore-sign-in-query", "inventory", "length", "lifecycle",
    "listcontentsummary", "location", "logging", "metadata", "metrics", "mirrorBackToSource", "mirrorrefresh",
    "modify", "multilistcontentsummary", "name", "notification", "object-lock", "obsalias", "obsbucketalias",
    "obscompresspolicy", "obsworkflowtriggerpolicy", "orchestration", "partNumber", "policy", "policyStatus",
    "position", "publicAccessBlock", "quota", "readahead", "rename", "replication", "replication_progress",
    "requestPayment", "response-cache-control", "response-content-disposition", "response-content-encoding",
    "response-content-language", "response-content-type", "response-expires", "restore", "retention", "select",
    "select-type", "storageClass", "storageinfo", "storagePolicy", "symlink", "tagging", "torrent", "truncate",
    "uploadId", "uploads", "versionId", "versioning", "versions", "website", "x-amz-security-token",
    "x-image-process", "x-image-save-bucket", "x-image-save-object", "x-obs-accesslabel", "x-obs-qosinfo",
    "x-obs-security-token", "x-obs-snapshot", "x-obs-snapshotroot", "x-obs-sse-kms-key-project-id", "x-obs-trash",
    "x-oss-process", "x-workflow-execution-state", "x-workflow-execution-type", "x-workflow-graph-name",
    "x-workflow-limit", "x-workflow-next-marker", "x-workflow-prefix", "x-workflow-start",
    "x-workflow-template-name",
];

/// What some SDK forgets to sign, and therefore may be missing from what a client signed.
const HOLES: &[&str] = &["customdomain", "object-lock", "retention", "attname", "mirrorBackToSource"];

/// What the AWS SDKs sign under V2: they were frozen before `encryption` came.
#[rustfmt::skip]
const CLASSIC: &[&str] = &[
    "accelerate", "acl", "analytics", "cors", "defaultObjectAcl", "delete", "inventory", "lifecycle", "location",
    "logging", "metrics", "notification", "object-lock", "partNumber", "policy", "replication", "requestPayment",
    "response-cache-control", "response-content-disposition", "response-content-encoding",
    "response-content-language", "response-content-type", "response-expires", "restore", "select", "select-type",
    "storageClass", "tagging", "torrent", "uploadId", "uploads", "versionId", "versioning", "versions", "website",
];

/// Which parameters a client has taken for sub-resources.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Listed {
    /// All that are known.
    All,
    /// All but those that some SDK forgets.
    WithoutHoles,
    /// Those of the AWS SDKs.
    Classic,
}

impl Listed {
    /// Whether a parameter of that name is one.
    pub(crate) fn has(self, name: &str) -> bool {
        let among = |list: &[&str]| list.iter().any(|listed| listed.eq_ignore_ascii_case(name));
        match self {
            Self::All => among(SIGNED),
            Self::WithoutHoles => among(SIGNED) && !among(HOLES),
            Self::Classic => among(CLASSIC),
        }
    }
}
