//! The kinds of failure, in one list.

/// Declares the kinds of failure, and the list of all of them.
macro_rules! failure_codes {
    ($(#[$of_all:meta])* pub enum FailureCode { $($(#[$of_one:meta])* $name:ident,)* }) => {
        $(#[$of_all])*
        pub enum FailureCode {
            $($(#[$of_one])* $name,)*
        }

        impl FailureCode {
            /// Every code, in the order of the declaration: the tables of `wire` are checked against it.
            pub const ALL: &[Self] = &[$(Self::$name,)*];
        }
    };
}

failure_codes! {
    /// The kinds of failure. Every dialect has a status, a code and words for each; `wire` holds the tables.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum FailureCode {
        // The request itself.
        /// Something in the request has a value that it may not have; details name it.
        InvalidArgument,
        /// The request as a whole makes no sense.
        InvalidRequest,
        /// The request's target or host cannot be understood.
        InvalidUri,
        /// Recognised, but not built.
        NotImplemented,
        /// The resource has no such method.
        MethodNotAllowed,
        /// The document is not well-formed or not of its schema.
        MalformedXml,
        /// A document was required and is missing.
        MissingBody,
        /// `Content-Length` was required and is missing.
        MissingContentLength,
        /// The document is longer than its limit.
        DocumentTooLarge,
        /// The request's head is longer than its limit.
        HeadTooLarge,
        /// The body ended before its declared length, or its framing is broken.
        IncompleteBody,
        /// The client sent nothing for too long.
        RequestTimeout,
        /// `Content-MD5` is no MD5.
        InvalidDigest,
        /// The body does not come to the declared digest.
        BadDigest,
        /// The body does not come to the signed SHA-256.
        ContentSha256Mismatch,
        /// User metadata exceeds its limit.
        MetadataTooLarge,
        /// The object exceeds the size of one request.
        EntityTooLarge,
        /// The body is smaller than a form's policy demands, or a part other than the last smaller than parts must be.
        EntityTooSmall,
        /// A form was expected, and the body is something else.
        NotMultipart,
        /// The form cannot be read.
        MalformedForm,
        /// The fields of a form are too long, or too many.
        FormTooLong,
        /// A form without a file.
        FileMissing,
        /// A form's policy cannot be read.
        InvalidPolicyDocument,

        // Names and things.
        /// Not a bucket's name.
        InvalidBucketName,
        /// Not an object's key.
        InvalidObjectKey,
        /// An object's key that is too long.
        KeyTooLong,
        /// A location that is not well formed, or not this server's.
        InvalidLocation,
        /// An unknown storage class.
        InvalidStorageClass,
        /// No such bucket.
        NoSuchBucket,
        /// No such object.
        NoSuchKey,
        /// No such version of the object.
        NoSuchVersion,
        /// The bucket's name is another's.
        BucketAlreadyExists,
        /// The bucket exists and is the caller's own.
        BucketAlreadyOwned,
        /// The bucket still has objects.
        BucketNotEmpty,
        /// The account has as many buckets as it may.
        TooManyBuckets,
        /// The object exists and must not be overwritten.
        AlreadyExists,
        /// A conflicting operation is under way; try again.
        Conflict,
        /// 304: the object has not changed.
        NotModified,
        /// 412: a condition does not hold.
        PreconditionFailed,
        /// 416: the range has none of the object's bytes.
        InvalidRange,

        // Copies, appends, and what is changed in place.
        /// The object was not made by appending, or may grow no more.
        ObjectNotAppendable,
        /// The append's position is not the object's length, which details name.
        PositionNotEqualToLength,
        /// The symbolic link leads to no object.
        LinkTargetMissing,
        /// The symbolic link leads to another one.
        LinkToLink,
        /// The object is no symbolic link.
        NotALink,
        /// The object has as many parts as an appendable one may have.
        TooManyAppends,
        /// The object's encryption cannot be changed in place.
        EncryptionNotChangeable,
        /// The range of a part's source is not within it.
        InvalidCopyRange,
        /// The copy's source is not a bucket and a key.
        InvalidCopySource,
        /// The copy's source is named by the version of a delete marker.
        CopySourceIsMarker,
        /// 412: a condition on the copy's source does not hold.
        CopySourceConditionFailed,
        /// The copy's source is longer than one request may copy.
        CopySourceTooLarge,
        /// An object would be copied onto itself and nothing changed.
        CopyChangesNothing,
        /// An object would be copied onto itself and left in the clear.
        CopyLosesEncryption,

        // Uploads in parts.
        /// No such multipart upload, or it has ended.
        NoSuchUpload,
        /// A part named in a completion is not there, or is another than its tag or checksum says.
        InvalidPart,
        /// The parts named in a completion do not ascend.
        InvalidPartOrder,
        /// 416: the object has no part of that number.
        InvalidPartNumber,
        /// A part comes without the customer's key of its upload, or with one though the upload has none.
        UploadKeyRequired,
        /// A part comes with another customer's key than its upload.
        UploadKeyWrong,

        // Documents of buckets and objects.
        /// Tags that are no set: a name twice, or one that is empty or too long.
        InvalidTag,
        /// The same, of a bucket's tags.
        InvalidBucketTag,
        /// An access control list that grants nothing to nobody, or too much at once.
        MalformedAcl,
        /// More tags than a bucket or an object may have.
        TooManyTags,
        /// The bucket, or the object where the dialect minds, has no tags.
        NoTagSet,
        /// The bucket has no rules for other origins.
        NoCorsConfiguration,
        /// The bucket's owner has said nothing of public access.
        NoPublicAccessBlock,
        /// A browser's question that lacks an origin or a method.
        PreflightIncomplete,
        /// The bucket lets no page of another origin read its answers.
        CorsNotEnabled,
        /// No rule of the bucket lets this page read its answers.
        CorsNotAllowed,
        /// The bucket holds as much as it may.
        QuotaExceeded,
        /// The bucket has no lifecycle rules.
        NoLifecycle,
        /// The bucket has no inventory of that name.
        NoInventory,
        /// The bucket has as many inventories as it may.
        TooManyInventories,
        /// There is no such bucket to write an inventory's reports into.
        InvalidInventoryDestination,
        /// The bucket's objects cannot be locked.
        NoObjectLock,
        /// The same, when how they are is asked for.
        NoBucketLock,
        /// Only a bucket that keeps versions can have them locked.
        LockNeedsVersioning,
        /// A bucket whose versions can be locked keeps versions for good.
        VersioningLocked,
        /// No policy keeps the bucket's objects, or not that one.
        NoWorm,
        /// The policy that keeps the bucket's objects is locked.
        WormLocked,
        /// A policy that cannot keep the bucket's objects.
        InvalidWorm,
        /// The object version has no retention.
        NoRetention,
        /// A retention that would be over before it begins.
        RetentionInPast,
        /// The object version is kept: it cannot be destroyed, or its retention not be shortened.
        ObjectLocked,

        // Who asks.
        /// Not allowed.
        AccessDenied,
        /// Not allowed without signing in.
        AnonymousDenied,
        /// No such access key.
        InvalidAccessKeyId,
        /// The signature is not that of the request.
        SignatureDoesNotMatch,
        /// The request is from too far in the past or the future.
        RequestTimeTooSkewed,
        /// A request that may be made once was made again.
        RequestRepeated,
        /// The signed URL's time is over.
        RequestExpired,
        /// A signed request without a date, or with one that cannot be read.
        MissingDate,
        /// The `Authorization` header, or the query in its place, cannot be read.
        MalformedAuthorization,
        /// Signed twice, in the header and in the query.
        TwoAuthorizations,
        /// The signature's scope names another region.
        WrongSigningRegion,
        /// A security token that is not known, or not this access key's.
        InvalidToken,
        /// A security token whose time is over.
        TokenExpired,

        // Encryption: what was asked.
        /// An encryption method that does not exist, in a header.
        UnknownEncryptionMethod,
        /// An encryption method that does not exist, in a bucket's document.
        UnknownDefaultEncryptionMethod,
        /// A data cipher that does not exist, or not with this method.
        UnknownDataAlgorithm,
        /// A master key was named without SSE-KMS, in a header.
        KeyWithoutKms,
        /// A master key was named without SSE-KMS, in a bucket's document.
        DefaultKeyWithoutKms,
        /// An encryption header where none is allowed.
        EncryptionHeaderNotAllowed,
        /// The encryption context is not base64 of a JSON map of strings.
        InvalidEncryptionContext,
        /// The bucket has no default encryption.
        NoEncryptionConfiguration,
        /// The bucket has no policy.
        NoBucketPolicy,
        /// Not a policy; the message says why.
        MalformedPolicy,
        /// SSE-C and another method at once.
        ConflictingEncryption,
        /// SSE-C with an algorithm other than AES256.
        CustomerAlgorithmInvalid,
        /// SSE-C without its algorithm.
        CustomerAlgorithmMissing,
        /// SSE-C without its key.
        CustomerKeyMissing,
        /// SSE-C with a key that is not 32 bytes, or without the key's MD5.
        CustomerKeyInvalid,
        /// SSE-C with an MD5 that is not the key's.
        CustomerKeyDigestMismatch,
        /// The object needs the customer's key and none was given.
        CustomerKeyRequired,
        /// The key given is not the one the object was sealed under.
        CustomerKeyWrong,
        /// A customer's key was given for an object that has none.
        CustomerKeyNotApplicable,
        /// SSE-C over plain HTTP.
        CustomerKeyNeedsTls,
        /// The bucket takes no objects under a key of the client's own.
        CustomerKeysBlocked,
        /// SSE-KMS over plain HTTP.
        KmsNeedsTls,
        /// An SSE-KMS object was asked for without a V4 signature where the dialect demands one.
        KmsNeedsSignature,

        // Encryption: the key service.
        /// No such master key, though one could have that id.
        KeyNotFound,
        /// Not a master key's id.
        KeyMalformed,
        /// A master key of another region.
        KeyOfOtherRegion,
        /// No such alias of a master key.
        AliasNotFound,
        /// The master key is disabled.
        KeyDisabled,
        /// The master key is pending deletion.
        KeyPendingDeletion,
        /// The state of the master key does not allow this.
        KeyStateConflict,
        /// The alias, or another name in the key service, is taken.
        KeyNameTaken,
        /// The caller may not use the master key.
        KeyDenied,
        /// The master key has no material yet, or not all of it.
        KeyPendingImport,
        /// The service's own master keys cannot be managed like this.
        KeyServiceManaged,
        /// Keys of this origin cannot be managed like this.
        KeyOriginUnsupported,
        /// A kind of key, or a use of one, that is not built: asymmetric keys and HMAC keys.
        KeyKindUnsupported,
        /// The master key is protected from deletion.
        KeyProtected,
        /// A name in the key service that may not be.
        KeyNameInvalid,
        /// As many keys, aliases, versions or grants as there may be.
        KeyLimitExceeded,
        /// As many rotations on demand as the key may have.
        KeyRotationsExceeded,
        /// No such version of a master key.
        KeyVersionNotFound,
        /// The key does not rotate by itself, and was asked how often.
        KeyRotationOff,
        /// A tag of a master key that may not be, or too many.
        KeyTagInvalid,
        /// A key policy that cannot be understood.
        KeyPolicyMalformed,
        /// The ciphertext was not sealed here, or not with this context.
        CiphertextInvalid,
        /// Another master key has sealed the ciphertext.
        CiphertextOfOtherKey,
        /// The digest that came with a data key is not its own.
        DataKeyDigestMismatch,
        /// No such grant.
        GrantNotFound,
        /// Not the token that came with the wrapping key.
        ImportTokenInvalid,
        /// The token that came with the wrapping key is too old.
        ImportTokenExpired,
        /// The key material cannot be unwrapped, or has the wrong length.
        KeyMaterialInvalid,
        /// The key material is not what the key had before.
        KeyMaterialMismatch,
        /// Key material for the next rotation is there already.
        KeyMaterialPending,
        /// There is no key material for the next rotation.
        KeyMaterialMissing,
        /// It would have succeeded, and was asked for only to know that.
        DryRun,
        /// The key service cannot be reached.
        KeyServiceUnavailable,

        // The server.
        /// Too many requests at once; try again.
        SlowDown,
        /// Something the server needs is away; try again.
        ServiceUnavailable,
        /// The disk is full.
        NoSpace,
        /// Stored bytes are damaged: they fail authentication. Never answered as data.
        Damaged,
        /// A fault of the server's own.
        Internal,
    }
}
