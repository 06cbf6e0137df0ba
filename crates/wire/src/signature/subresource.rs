//! The query parameters that enter the canonical resource of the schemes OBS and AWS V2.

/// The union of what the OBS documents, every SDK and our own routes list: a parameter that is obeyed and not signed would
/// let whoever is handed a URL turn it into another. Names match whatever their case.
#[rustfmt::skip]
const SIGNED: &[&str] = &[
    "abac", "accelerate", "acl", "analytics", "annotation", "append", "attname", "attributes", "backtosource",
    "bucketStatus", "CDNNotifyConfiguration", "cors", "customdomain", "defaultObjectAcl", "delete", "deletebucket",
    "directcoldaccess", "dispolicy", "encryption", "fileinterface", "getcontentsummary", "ignore-sign-in-query",
    "intelligent-tiering", "inventory", "legal-hold", "length", "lifecycle", "listcontentsummary", "location",
    "logging", "metadata", "metadataConfiguration", "metadataInventoryTable", "metadataJournalTable",
    "metadataTable", "metrics", "mirrorBackToSource", "mirrorrefresh", "modify", "multilistcontentsummary", "name",
    "notification", "object-lock", "obsalias", "obsbucketalias", "obscompresspolicy", "obsworkflowtriggerpolicy",
    "orchestration", "ownershipControls", "partNumber", "policy", "policyStatus", "position", "publicAccessBlock",
    "quota", "readahead", "rename", "renameObject", "replication", "replication_progress", "requestPayment",
    "response-cache-control", "response-content-disposition", "response-content-encoding",
    "response-content-language", "response-content-type", "response-expires", "restore", "retention", "select",
    "select-type", "session", "storageClass", "storageinfo", "storagePolicy", "symlink", "tagging", "torrent",
    "truncate", "uploadId", "uploads", "versionId", "versioning", "versions", "website", "x-amz-security-token",
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
    /// All but the name under which a download is saved, which the Java SDK forgets in the URLs that it signs.
    WithoutAttachment,
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
            Self::WithoutAttachment => among(SIGNED) && !among(&["attname"]),
            Self::Classic => among(CLASSIC),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::{DIALECTS, Dialect};
    use crate::route::{self, When};
    use crate::signature::oss1;

    /// Parameters that the documents leave unsigned: they choose among spellings of one operation, or items in it.
    const UNSIGNED: [&str; 3] = ["apiversion", "id", "list-type"];

    fn obeyed(dialect: &'static Dialect) -> Vec<&'static str> {
        let names = route::rows(dialect).filter_map(|route| match route.when {
            When::Query(name) | When::Queries(name, _) | When::QueriesAndHeader(name, _, _) => Some(name),
            When::Plain | When::Anything | When::QueryIs(_, _) | When::Header(_) => None,
        });
        names.filter(|name| !UNSIGNED.contains(name)).collect()
    }

    #[test]
    fn every_parameter_that_chooses_an_operation_is_signed() {
        for dialect in DIALECTS {
            let names = obeyed(dialect);
            assert!(names.len() > 40, "{}", dialect.name);
            let signed = |name: &str| match dialect.name {
                "oss" => oss1::is_subresource(name.as_bytes()),
                _ => Listed::All.has(name) || name.starts_with(dialect.header_prefix),
            };
            let unsigned: Vec<_> = names.into_iter().filter(|name| !signed(name)).collect();
            assert_eq!(unsigned, Vec::<&str>::new(), "{}", dialect.name);
        }
    }
}
