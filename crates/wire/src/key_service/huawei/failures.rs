//! Failures in the words of Huawei Cloud KMS, and of the gateway in front of it.

use strongroom_model::failure::FailureCode as Code;

use crate::error::FailureRow;

/// The rows.
pub(super) const ROWS: &[FailureRow] = &[
    FailureRow::new(Code::InvalidArgument, 400, "KMS.0308", "Invalid parameter."),
    FailureRow::new(Code::InvalidRequest, 400, "KMS.0204", "Parameters missing in the request message."),
    FailureRow::new(Code::InvalidUri, 400, "KMS.0201", "Invalid request URL."),
    FailureRow::new(Code::MethodNotAllowed, 405, "KMS.0215", "Request method not supported."),
    FailureRow::new(Code::MalformedXml, 400, "KMS.0202", "Invalid JSON format of the request message."),
    FailureRow::new(Code::DocumentTooLarge, 400, "KMS.0203", "Request message too long."),
    FailureRow::new(Code::HeadTooLarge, 400, "KMS.0203", "Request message too long."),
    FailureRow::new(Code::IncompleteBody, 400, "KMS.0202", "Invalid JSON format of the request message."),
    FailureRow::new(Code::RequestTimeout, 400, "KMS.0102", "Abnormal KMS I/O."),
    FailureRow::new(
        Code::ContentSha256Mismatch,
        401,
        "APIGW.0301",
        "Incorrect IAM authentication information: the body is not the one that was signed",
    ),
    FailureRow::new(Code::AccessDenied, 403, "KMS.0306", "No access permissions."),
    FailureRow::new(Code::KeyDenied, 403, "KMS.0307", "No access permissions."),
    FailureRow::new(Code::AnonymousDenied, 403, "KMS.0301", "Invalid or null X-Auth-Token."),
    FailureRow::new(
        Code::InvalidAccessKeyId,
        401,
        "APIGW.0301",
        "Incorrect IAM authentication information: Get secretKey failed,ak:{subject},err:ak not exist",
    ),
    FailureRow::new(Code::TokenExpired, 403, "KMS.0303", "X-Auth-Token expired."),
    FailureRow::new(Code::InvalidToken, 403, "KMS.0302", "Invalid X-Auth-Token."),
    FailureRow::new(
        Code::SignatureDoesNotMatch,
        401,
        "APIGW.0301",
        "Incorrect IAM authentication information: verify aksk signature fail",
    ),
    FailureRow::new(Code::RequestRepeated, 401, "APIGW.0301", "Incorrect IAM authentication information: repeated"),
    FailureRow::new(
        Code::RequestTimeTooSkewed,
        401,
        "APIGW.0301",
        "Incorrect IAM authentication information: x-sdk-date expired",
    ),
    FailureRow::new(Code::RequestExpired, 403, "KMS.0303", "X-Auth-Token expired."),
    FailureRow::new(
        Code::MissingDate,
        401,
        "APIGW.0301",
        "Incorrect IAM authentication information: x-sdk-date missing",
    ),
    FailureRow::new(
        Code::MalformedAuthorization,
        401,
        "APIGW.0301",
        "Incorrect IAM authentication information: the Authorization header cannot be read",
    ),
    FailureRow::new(
        Code::TwoAuthorizations,
        401,
        "APIGW.0301",
        "Incorrect IAM authentication information: the request is signed twice",
    ),
    FailureRow::new(
        Code::WrongSigningRegion,
        401,
        "APIGW.0301",
        "Incorrect IAM authentication information: the request is signed for another region",
    ),
    FailureRow::new(Code::NotImplemented, 400, "KMS.0331", "This operation cannot be performed on a symmetric key."),
    FailureRow::new(Code::KmsNeedsTls, 403, "KMS.0314", "Keys travel over TLS only; see transport.require_tls."),
    FailureRow::new(Code::KeyNotFound, 404, "KMS.0207", "The key does not exist."),
    FailureRow::new(Code::KeyMalformed, 400, "KMS.0205", "Invalid key ID."),
    FailureRow::new(Code::KeyOfOtherRegion, 404, "KMS.0207", "The key does not exist."),
    FailureRow::new(Code::AliasNotFound, 404, "KMS.0207", "The key does not exist."),
    FailureRow::new(Code::KeyVersionNotFound, 404, "KMS.0207", "The key does not exist."),
    FailureRow::new(Code::KeyDisabled, 400, "KMS.0209", "The key has been disabled."),
    FailureRow::new(
        Code::KeyPendingDeletion,
        400,
        "KMS.0210",
        "The key is in Scheduled deletion state and cannot be used.",
    ),
    FailureRow::new(Code::KeyPendingImport, 400, "KMS.1301", "The key is not enabled."),
    FailureRow::new(
        Code::KeyStateConflict,
        400,
        "KMS.0210",
        "The key is in Scheduled deletion state and cannot be used.",
    ),
    FailureRow::new(Code::KeyNameTaken, 400, "KMS.1104", "Duplicate key aliases."),
    FailureRow::new(Code::KeyNameInvalid, 400, "KMS.1101", "Invalid key_alias."),
    FailureRow::new(Code::KeyServiceManaged, 400, "KMS.0211", "Cannot perform this operation on Default Master Keys."),
    FailureRow::new(Code::KeyOriginUnsupported, 400, "KMS.0309", "External keys required."),
    FailureRow::new(
        Code::KeyKindUnsupported,
        400,
        "KMS.0331",
        "This operation cannot be performed on a symmetric key.",
    ),
    FailureRow::new(Code::KeyProtected, 400, "KMS.0308", "The key is protected from deletion."),
    FailureRow::new(Code::KeyLimitExceeded, 400, "KMS.1105", "Too many keys."),
    FailureRow::new(Code::KeyRotationsExceeded, 400, "KMS.1105", "Too many rotations."),
    FailureRow::new(Code::KeyRotationOff, 400, "KMS.0313", "Key rotation is not enabled."),
    FailureRow::new(Code::KeyTagInvalid, 400, "KMS.0409", "Too many tags."),
    FailureRow::new(Code::KeyPolicyMalformed, 400, "KMS.0308", "Invalid parameter."),
    FailureRow::new(Code::InvalidEncryptionContext, 400, "KMS.0208", "Invalid encryption_context."),
    FailureRow::new(Code::CiphertextInvalid, 400, "KMS.2201", "Invalid cipher_text."),
    FailureRow::new(Code::CiphertextOfOtherKey, 400, "KMS.2201", "Invalid cipher_text."),
    FailureRow::new(Code::DataKeyDigestMismatch, 400, "KMS.2103", "Failed to verify the DEK hash."),
    FailureRow::new(Code::GrantNotFound, 400, "KMS.2501", "Invalid grant ID."),
    FailureRow::new(Code::ImportTokenInvalid, 400, "KMS.2605", "Failed to verify the token."),
    FailureRow::new(Code::ImportTokenExpired, 400, "KMS.2601", "Token expired."),
    FailureRow::new(Code::KeyMaterialInvalid, 400, "KMS.0311", "Failed to decrypt data using the RSA private key."),
    FailureRow::new(
        Code::KeyMaterialMismatch,
        400,
        "KMS.2606",
        "The imported key material must be the same as the deleted key material.",
    ),
    FailureRow::new(Code::KeyMaterialPending, 400, "KMS.0310", "The key is not in Pending import state."),
    FailureRow::new(Code::KeyMaterialMissing, 400, "KMS.0312", "External keys cannot be rotated."),
    FailureRow::new(Code::DryRun, 400, "KMS.0308", "Invalid parameter."),
    FailureRow::new(Code::KeyServiceUnavailable, 503, "KMS.0103", "The key service cannot reach its keys."),
    FailureRow::new(Code::SlowDown, 503, "KMS.0104", "The key service is busy."),
    FailureRow::new(Code::Conflict, 503, "KMS.0104", "Somebody else changed it at the same time."),
    FailureRow::new(Code::ServiceUnavailable, 503, "KMS.0103", "The key service cannot reach its keys."),
    FailureRow::new(Code::NoSpace, 500, "KMS.0102", "Abnormal KMS I/O."),
    FailureRow::new(Code::Damaged, 500, "KMS.0101", "KMS error."),
    FailureRow::new(Code::Internal, 500, "KMS.0101", "KMS error."),
];

/// A key that is enabled, or about to be destroyed, cannot be enabled.
pub(super) const OF_ENABLING: &[FailureRow] =
    &[FailureRow::new(Code::KeyStateConflict, 400, "KMS.1201", "The key is not disabled.")];

/// Only an enabled key can be disabled.
pub(super) const OF_DISABLING: &[FailureRow] =
    &[FailureRow::new(Code::KeyStateConflict, 400, "KMS.1301", "The key is not enabled.")];

/// A deletion is planned once.
pub(super) const OF_DELETION: &[FailureRow] =
    &[FailureRow::new(Code::KeyStateConflict, 400, "KMS.1402", "The key is already in Pending deletion state.")];

/// What is not planned cannot be called off.
pub(super) const OF_CANCELLING: &[FailureRow] =
    &[FailureRow::new(Code::KeyStateConflict, 400, "KMS.1501", "The key is not in Pending deletion state.")];

/// Imported material does not rotate.
pub(super) const OF_ROTATION: &[FailureRow] = &[
    FailureRow::new(Code::KeyOriginUnsupported, 400, "KMS.0312", "External keys cannot be rotated."),
    FailureRow::new(Code::InvalidArgument, 400, "KMS.3001", "Invalid rotation_interval."),
];

/// The length that was said is not that of the data key.
pub(super) const OF_DATAKEYS: &[FailureRow] =
    &[FailureRow::new(Code::InvalidArgument, 400, "KMS.2204", "Inconsistent DEK length.")];
