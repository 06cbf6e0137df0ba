//! SM4-GCM by libgcrypt; compiled only where `scripts/with-libgcrypt` found the library.

use std::ffi::{c_char, c_int, c_uint, c_void};

const CIPHER_SM4: c_int = 318;
const MODE_GCM: c_int = 9;
const CONTROL_INITIALIZATION_FINISHED: c_int = 38;

#[link(name = "gcrypt")]
unsafe extern "C" {
    fn gcry_check_version(required: *const c_char) -> *const c_char;
    fn gcry_control(command: c_int, ...) -> c_uint;
    fn gcry_cipher_open(handle: *mut *mut c_void, algorithm: c_int, mode: c_int, flags: c_uint) -> c_uint;
    fn gcry_cipher_close(handle: *mut c_void);
    fn gcry_cipher_setkey(handle: *mut c_void, key: *const u8, length: usize) -> c_uint;
    fn gcry_cipher_setiv(handle: *mut c_void, iv: *const u8, length: usize) -> c_uint;
    fn gcry_cipher_authenticate(handle: *mut c_void, aad: *const u8, length: usize) -> c_uint;
    fn gcry_cipher_encrypt(handle: *mut c_void, out: *mut u8, size: usize, input: *const u8, length: usize) -> c_uint;
    fn gcry_cipher_gettag(handle: *mut c_void, tag: *mut u8, length: usize) -> c_uint;
}

/// A handle of libgcrypt with a key.
pub struct Gcm(*mut c_void);

impl Gcm {
    /// Opens a handle.
    pub fn new(key: &[u8; 16]) -> Self {
        let mut handle = std::ptr::null_mut();
        // SAFETY: the pointers are to live values of the stated lengths; the library was asked to initialise first.
        unsafe {
            assert!(!gcry_check_version(std::ptr::null()).is_null());
            assert_eq!(gcry_control(CONTROL_INITIALIZATION_FINISHED, 0 as c_int), 0);
            assert_eq!(gcry_cipher_open(&mut handle, CIPHER_SM4, MODE_GCM, 0), 0);
            assert_eq!(gcry_cipher_setkey(handle, key.as_ptr(), key.len()), 0);
        }
        Self(handle)
    }

    /// Encrypts in place and returns the tag.
    pub fn seal(&self, nonce: &[u8; 12], aad: &[u8], data: &mut [u8]) -> [u8; 16] {
        let mut tag = [0; 16];
        // SAFETY: the handle is open, and the pointers are to live values of the stated lengths. A null input means
        // in place.
        unsafe {
            assert_eq!(gcry_cipher_setiv(self.0, nonce.as_ptr(), nonce.len()), 0);
            assert_eq!(gcry_cipher_authenticate(self.0, aad.as_ptr(), aad.len()), 0);
            assert_eq!(gcry_cipher_encrypt(self.0, data.as_mut_ptr(), data.len(), std::ptr::null(), 0), 0);
            assert_eq!(gcry_cipher_gettag(self.0, tag.as_mut_ptr(), tag.len()), 0);
        }
        tag
    }
}

impl Drop for Gcm {
    fn drop(&mut self) {
        // SAFETY: the handle is open and not used again.
        unsafe { gcry_cipher_close(self.0) };
    }
}
