//! SM4-GCM seal and open, side by side: every kernel that runs here, RustCrypto, and libgcrypt where it was linked in.
//!
//! All contestants take turns in short samples, so that a change of clock or a loud neighbour hits all of them, and each
//! sample is the CPU time of the thread. A row is the median of the samples with the 10th and 90th percentile, and the
//! ratio of the medians. `cargo bench -p strongroom-sm4 -- [seconds for each size]`, or `scripts/with-libgcrypt bench`.

use std::time::{Duration, Instant};

use aes_gcm::aead::{AeadInOut, KeyInit};
use strongroom_sm4::{Kernel, Sm4Gcm};

#[cfg(libgcrypt)]
#[path = "../tests/it/libgcrypt.rs"]
mod libgcrypt;

type RustCrypto = aes_gcm::AesGcm<sm4_rustcrypto::Sm4, aes_gcm::aead::consts::U12>;

const SIZES: [usize; 4] = [1 << 10, 4 << 10, 64 << 10, 1 << 20];
const KEY: [u8; 16] = [0x42; 16];
const NONCE: [u8; 12] = [0x24; 12];
/// A sample is as many calls as make about this many bytes.
const SAMPLE_BYTES: usize = 1 << 20;

type Call = Box<dyn FnMut(&mut [u8])>;

struct Contestant {
    name: String,
    call: Call,
    /// Nanoseconds of each call.
    samples: Vec<f64>,
    /// The slow ones are sampled over fewer bytes.
    share: usize,
}

fn main() {
    let seconds: f64 = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(4.0);
    println!(
        "SM4-GCM, one thread, GB/s of CPU time: median (10th to 90th percentile); best kernel here: {:?}",
        Kernel::best()
    );
    for size in SIZES {
        let mut field = contestants();
        compete(&mut field, size, Duration::from_secs_f64(seconds));
        report(&mut field, size);
    }
}

fn contestants() -> Vec<Contestant> {
    let mut field = Vec::new();
    for kernel in Kernel::ALL.into_iter().filter(|kernel| kernel.runs_here()) {
        let share = if kernel == Kernel::Portable { 16 } else { 1 };
        let gcm = Sm4Gcm::with_kernel(&KEY, kernel);
        let seal = move |data: &mut [u8]| {
            std::hint::black_box(gcm.seal_in_place(&NONCE, &[], data));
        };
        field.push(Contestant { name: format!("{kernel:?}"), call: Box::new(seal), samples: vec![], share });
    }
    let gcm = Sm4Gcm::new(&KEY);
    let (mut sealed, mut tag) = (Vec::new(), [0; 16]);
    // The copy that gives it something to open counts as its own cost.
    let open = move |data: &mut [u8]| {
        if sealed.len() != data.len() {
            sealed = data.to_vec();
            tag = gcm.seal_in_place(&NONCE, &[], &mut sealed);
        }
        data.copy_from_slice(&sealed);
        gcm.open_in_place(&NONCE, &[], data, &tag).expect("what was sealed opens");
    };
    field.push(Contestant { name: "best, open".into(), call: Box::new(open), samples: vec![], share: 1 });
    let rust_crypto = RustCrypto::new(&KEY.into());
    let seal = move |data: &mut [u8]| {
        std::hint::black_box(rust_crypto.encrypt_inout_detached(&NONCE.into(), &[], data.into()).expect("seals"));
    };
    field.push(Contestant { name: "RustCrypto".into(), call: Box::new(seal), samples: vec![], share: 16 });
    #[cfg(libgcrypt)]
    {
        let gcrypt = libgcrypt::Gcm::new(&KEY);
        let seal = move |data: &mut [u8]| {
            std::hint::black_box(gcrypt.seal(&NONCE, &[], data));
        };
        field.push(Contestant { name: "libgcrypt".into(), call: Box::new(seal), samples: vec![], share: 1 });
    }
    field
}

fn compete(field: &mut [Contestant], size: usize, limit: Duration) {
    let mut data = vec![0x5A; size];
    let start = Instant::now();
    let mut warm = false;
    while start.elapsed() < limit || field[0].samples.len() < 5 {
        for contestant in field.iter_mut() {
            let calls = (SAMPLE_BYTES / size / contestant.share).max(1);
            let before = thread_seconds();
            for _ in 0..calls {
                (contestant.call)(&mut data);
            }
            let sample = (thread_seconds() - before) * 1e9 / calls as f64;
            if warm {
                contestant.samples.push(sample);
            }
        }
        warm = true;
    }
}

fn report(field: &mut [Contestant], size: usize) {
    let medians: Vec<(String, f64)> =
        field.iter_mut().map(|contestant| (contestant.name.clone(), percentile(&mut contestant.samples, 50))).collect();
    let ratio = |own: f64, name: &str| {
        medians
            .iter()
            .find(|(other, _)| other == name)
            .map_or(String::from("-"), |(_, other)| format!("{:.2}", other / own))
    };
    println!("\n{size} bytes, {} samples", field[0].samples.len());
    println!("{:<16} {:>24} {:>12} {:>13}", "", "GB/s", "x libgcrypt", "x RustCrypto");
    for contestant in field.iter_mut() {
        let rate = |percent: usize, samples: &mut [f64]| size as f64 / percentile(samples, percent);
        let [median, low, high] = [50, 90, 10].map(|percent| rate(percent, &mut contestant.samples));
        let own = size as f64 / median;
        println!(
            "{:<16} {:>8} {:>15} {:>12} {:>13}",
            contestant.name,
            format!("{median:.3}"),
            format!("({low:.3}-{high:.3})"),
            ratio(own, "libgcrypt"),
            ratio(own, "RustCrypto")
        );
    }
}

fn percentile(samples: &mut [f64], percent: usize) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples[(samples.len() - 1) * percent / 100]
}

/// CPU time of this thread, in seconds.
fn thread_seconds() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is to a timespec that may be written.
    let code = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    assert_eq!(code, 0, "the clock of the thread can be read");
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}
