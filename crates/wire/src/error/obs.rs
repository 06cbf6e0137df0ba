//! Failures that OBS words otherwise.

use strongroom_model::failure::FailureCode as Code;

use super::FailureRow;

/// The rows.
pub(crate) const ROWS: &[FailureRow] = &[
    FailureRow::new(
        Code::NotImplemented,
        501,
        "NotImplemented",
        "A header or operation you provided implies functionality that is not implemented.",
    ),
    FailureRow::new(Code::InvalidBucketTag, 400, "InvalidTagError", "The tag you have provided is invalid"),
    FailureRow::new(
        Code::NoInventory,
        404,
        "NoSuchInventoryConfiguration",
        "The inventory configuration does not exist.",
    ),
    FailureRow::new(
        Code::InvalidInventoryDestination,
        400,
        "InvalidArgument",
        "The destination bucket does not exist.",
    ),
    FailureRow::new(Code::TooManyTags, 400, "InvalidTag", "There are more tags than may be"),
    FailureRow::new(Code::MethodNotAllowed, 405, "MethodNotAllowed", "Specified method is not supported."),
    FailureRow::new(Code::MissingBody, 400, "MissingRequestBodyError", "Request body is empty."),
    FailureRow::new(Code::HeadTooLarge, 400, "BadRequest", "The request head is too large."),
    FailureRow::new(
        Code::RequestTimeout,
        408,
        "RequestTimeout",
        "Your socket connection to the server was not read from or written to within the timeout period.",
    ),
    FailureRow::new(
        Code::FileMissing,
        400,
        "IncorrectNumberOfFilesInPostRequest",
        "POST requires exactly one file upload per request.",
    ),
    FailureRow::new(
        Code::ContentSha256Mismatch,
        400,
        "InvalidArgument",
        "The provided '{prefix}content-sha256' header does not match what was computed.",
    ),
    FailureRow::new(
        Code::InvalidAccessKeyId,
        403,
        "InvalidAccessKeyId",
        "The OBS Access Key Id you provided does not exist in our records.",
    ),
    FailureRow::new(
        Code::MissingDate,
        403,
        "AccessDenied",
        "OBS authentication requires a valid Date or {prefix}date header",
    ),
    FailureRow::new(
        Code::MalformedAuthorization,
        403,
        "AccessDenied",
        "The authorization of the request cannot be read.",
    ),
    FailureRow::new(
        Code::TwoAuthorizations,
        400,
        "InvalidArgument",
        "Only one auth mechanism allowed; either the Signature query parameter or the Authorization header should be specified.",
    ),
    FailureRow::new(Code::InvalidToken, 403, "InvalidToken", "The provided token is malformed or otherwise invalid."),
    FailureRow::new(
        Code::UnknownDefaultEncryptionMethod,
        400,
        "InvalidArgument",
        "The encryption method specified is not supported",
    ),
    FailureRow::new(
        Code::KeyWithoutKms,
        400,
        "InvalidArgument",
        "Server Side Encryption with KMS managed key requires HTTP header {prefix}server-side-encryption : kms",
    ),
    FailureRow::new(
        Code::DefaultKeyWithoutKms,
        400,
        "InvalidArgument",
        "KMSMasterKeyID is not applicable if the SSEAlgorithm is not kms.",
    ),
    FailureRow::new(
        Code::NoEncryptionConfiguration,
        404,
        "NoSuchEncryptionConfiguration",
        "The specified bucket does not have any encryption configurations",
    )
    .naming("BucketName"),
    FailureRow::new(
        Code::CustomerAlgorithmInvalid,
        400,
        "InvalidEncryptionAlgorithmError",
        "The Encryption request you specified is not valid. Supported value: AES256.",
    ),
    FailureRow::new(
        Code::CustomerKeyRequired,
        400,
        "InvalidEncryptionAlgorithmError",
        "The encryption parameters of the request are not those that the object was encrypted with.",
    ),
    FailureRow::new(
        Code::CustomerKeyWrong,
        400,
        "InvalidEncryptionAlgorithmError",
        "The encryption parameters of the request are not those that the object was encrypted with.",
    ),
    FailureRow::new(
        Code::CustomerKeysBlocked,
        403,
        "AccessDenied",
        "The bucket {subject} takes no uploads that specify server-side encryption with keys of the client's own.",
    ),
    FailureRow::new(
        Code::KmsNeedsTls,
        400,
        "InvalidArgument",
        "Requests specifying Server Side Encryption with KMS managed keys must be made over a secure connection.",
    ),
    FailureRow::new(
        Code::KmsNeedsSignature,
        403,
        "AccessDenied",
        "Objects encrypted with KMS managed keys cannot be accessed anonymously.",
    ),
    FailureRow::new(Code::KeyNotFound, 400, "KMS.NotFoundException", "The key {subject} does not exist."),
    FailureRow::new(Code::KeyMalformed, 400, "KMS.NotFoundException", "The key {subject} does not exist."),
    FailureRow::new(
        Code::KeyOfOtherRegion,
        400,
        "KMS.NotFoundException",
        "There is no key of the region {subject} here.",
    ),
    FailureRow::new(Code::AliasNotFound, 400, "KMS.NotFoundException", "The key alias {subject} does not exist."),
    FailureRow::new(Code::KeyDisabled, 400, "KMS.DisabledException", "The key {subject} is disabled."),
    FailureRow::new(
        Code::KeyPendingDeletion,
        400,
        "KMS.DisabledException",
        "The key {subject} is in scheduled deletion state and cannot be used.",
    ),
    FailureRow::new(
        Code::KeyPendingImport,
        400,
        "KMS.DisabledException",
        "The key {subject} is pending import and cannot be used.",
    ),
    FailureRow::new(Code::KeyDenied, 403, "AccessDenied", "Access Denied"),
];
