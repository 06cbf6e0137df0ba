//! How often the key service is called.

use strongroom_model::operation::object::GetObject;
use strongroom_model::range::RangeSpec;

use super::bench::{Bench, METHODS, Method, get, noise};

#[tokio::test]
async fn one_call_for_a_write_at_most_one_for_a_read_none_for_the_rest() {
    let bench = Bench::memory().await;
    // The standing keys are made once, which is no write's cost.
    for method in METHODS {
        bench.put("warm", b"x", method).await.unwrap();
    }
    for method in METHODS {
        for size in [10, 200_000] {
            let calls = bench.key_service_calls();
            bench.put("k", &noise(size), method).await.unwrap();
            let keyless = matches!(method, Method::Plain | Method::Customer);
            // The bucket key is known from the first time.
            let spared = keyless || method == Method::KmsBucketKey;
            assert_eq!(bench.key_service_calls() - calls, u64::from(!spared), "PUT {method:?} {size}");

            let calls = bench.key_service_calls();
            bench.get("k", method).await.unwrap();
            let read = bench.key_service_calls() - calls;
            assert!(read <= u64::from(!keyless), "GET {method:?} {size}: {read}");
            bench.get_range("k", method, RangeSpec::Between { first: 1, last: 3 }).await.unwrap();
            let read = bench.key_service_calls() - calls;
            assert!(read <= 2 * u64::from(!keyless), "ranged GET {method:?} {size}: {read}");

            let calls = bench.key_service_calls();
            bench.head(GetObject { customer_key: method.key_for_reading(), ..get("k") }).await.unwrap();
            bench.list().await;
            bench.delete("k").await.unwrap();
            assert_eq!(bench.key_service_calls(), calls, "HEAD, LIST, DELETE {method:?} {size}");
        }
    }
}
