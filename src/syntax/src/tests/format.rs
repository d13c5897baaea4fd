//! What holds of every layout: nothing of a program is lost, nothing is meant otherwise, and it is laid out but once.

use sentences::{grammar, program};

use super::parsed;
use crate::format::pieces;
use crate::{format, show};

#[test]
fn every_sentence_keeps_its_pieces_and_its_meaning_and_is_laid_out_once() {
    let grammar = grammar();
    let mut as_it_was = 0;
    for seed in 0..3_000 {
        let (sentence, _) = program(&grammar, seed);
        let laid_out = format(&sentence);
        assert_eq!(pieces(&laid_out), pieces(&sentence), "{sentence:?}");
        assert_eq!(show::block(&parsed(&laid_out).block), show::block(&parsed(&sentence).block), "{sentence:?}");
        assert_eq!(format(&laid_out), laid_out, "{sentence:?}");
        as_it_was += usize::from(laid_out == sentence && !sentence.ends_with('\n'));
    }
    // Where a layout would be read otherwise, none is given. That is to be rare.
    assert!(as_it_was < 60, "{as_it_was} of 3000 sentences are not laid out");
}
