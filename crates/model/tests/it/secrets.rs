//! What a request carries in secret does not show in its `Debug` form, which logs may hold.

use strongroom_model::encryption::EncryptionWish;
use strongroom_model::secret::{CustomerKey, SecretKey};

#[test]
fn a_request_shows_that_it_has_a_customer_key_and_nothing_of_it() {
    let key = CustomerKey::new([0x5a; 32].into(), [0x77; 16]);
    assert_eq!(format!("{:?}", EncryptionWish::Customer(key)), "Customer(CustomerKey(redacted))");
}

#[test]
fn a_secret_key_shows_nothing_of_itself() {
    let secret = SecretKey::new("a secret".to_owned());
    assert_eq!(format!("{secret:?}"), "SecretKey(redacted)");
}
