//! Random numbers that a seed repeats.

use std::time::Duration;

/// SplitMix64: every seed is good, and the state is one word.
pub struct Rng(u64);

impl Rng {
    pub fn new(seed: u64) -> Rng {
        Rng(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    pub fn choose<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len() as u64) as usize]
    }

    pub fn bytes(&mut self, most: u64) -> Vec<u8> {
        (0..self.below(most)).map(|_| self.next() as u8).collect()
    }

    /// Flips some bits.
    pub fn flip(&mut self, bytes: &mut [u8]) {
        for _ in 0..=self.below(4) {
            let bit = self.below(bytes.len() as u64 * 8) as usize;
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
    }

    /// Waits for up to so many milliseconds, so that what comes next comes at a random point.
    pub async fn wait(&mut self, most: u64) {
        tokio::time::sleep(Duration::from_micros(self.below(most * 1000))).await;
    }
}

/// A seed that no other run has.
pub fn fresh() -> u64 {
    uuid::Uuid::new_v4().as_u64_pair().0
}
