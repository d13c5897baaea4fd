//! Operators: which bind how tightly, and the tree they make of a flat row of operands.
//!
//! The parser reads operands and operators into a row first, mending it where something is missing, so that every
//! row that comes here is lawful and the whole element is in the tree however wrong a part of it was.

use std::cell::OnceCell;

use chumsky::input::{MapExtra, Stream};
use chumsky::pratt::{infix, left, prefix, right};
use chumsky::prelude::*;
use value::ops::Operator;

/// How tightly an operator binds, loosest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Or,
    Xor,
    And,
    BitOr,
    BitXor,
    BitAnd,
    Comparison,
    Concatenation,
    Shift,
    Sum,
    Product,
    Power,
}

/// What assigns; each but the first applies the operator before its `=`.
pub const ASSIGNMENTS: &[&str] = &["=", "+=", "-=", "*=", "/=", "++="];

/// The level of an infix operator, or none when the word is not one.
pub fn level(word: &str) -> Option<Level> {
    use Operator as O;
    Some(match Operator::parse(word)? {
        O::Or => Level::Or,
        O::Xor => Level::Xor,
        O::And => Level::And,
        O::BitOr => Level::BitOr,
        O::BitXor => Level::BitXor,
        O::BitAnd => Level::BitAnd,
        O::Equal | O::NotEqual | O::Less | O::LessEqual | O::Greater | O::GreaterEqual => Level::Comparison,
        O::Matches | O::NotMatches | O::In | O::NotIn | O::Has | O::NotHas => Level::Comparison,
        O::StartsWith | O::NotStartsWith | O::EndsWith | O::NotEndsWith => Level::Comparison,
        O::Concat => Level::Concatenation,
        O::ShiftLeft | O::ShiftRight => Level::Shift,
        O::Add | O::Subtract => Level::Sum,
        O::Multiply | O::Divide | O::FloorDivide | O::Modulo => Level::Product,
        O::Power => Level::Power,
    })
}

/// One place in the row; the numbers index the caller's operands and operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece {
    Operand(usize),
    Not(usize),
    Infix(usize, Level),
}

/// How the row hangs together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tree {
    Operand(usize),
    Not(usize, Box<Tree>),
    Infix { operator: usize, left: Box<Tree>, right: Box<Tree> },
}

type Row = Stream<std::vec::IntoIter<Piece>>;
type Grammar = Boxed<'static, 'static, Row, Tree, extra::Default>;

/// Hangs a row. `None` only for a row that does not alternate operands and operators.
pub fn hang(row: Vec<Piece>) -> Option<Tree> {
    if let [Piece::Operand(only)] = row.as_slice() {
        return Some(Tree::Operand(*only));
    }
    thread_local! {
        // Building the grammar takes longer than reading a line with it.
        static GRAMMAR: OnceCell<Grammar> = const { OnceCell::new() };
    }
    GRAMMAR.with(|grammar| grammar.get_or_init(grammar_of_operators).parse(Stream::from_iter(row)).into_output())
}

type Place<'b> = MapExtra<'static, 'b, Row, extra::Default>;

fn join(left: Tree, operator: usize, right: Tree, _: &mut Place<'_>) -> Tree {
    Tree::Infix { operator, left: Box::new(left), right: Box::new(right) }
}

fn negate(operator: usize, operand: Tree, _: &mut Place<'_>) -> Tree {
    Tree::Not(operator, Box::new(operand))
}

fn grammar_of_operators() -> Grammar {
    let operand = select! { Piece::Operand(index) => Tree::Operand(index) };
    let not = select! { Piece::Not(index) => index };
    let at = |wanted: Level| {
        any().filter_map(move |piece| match piece {
            Piece::Infix(index, level) if level == wanted => Some(index),
            _ => None,
        })
    };
    operand
        .pratt((
            infix(right(13), at(Level::Power), join),
            infix(left(12), at(Level::Product), join),
            infix(left(11), at(Level::Sum), join),
            infix(left(10), at(Level::Shift), join),
            infix(left(9), at(Level::Concatenation), join),
            infix(left(8), at(Level::Comparison), join),
            infix(left(7), at(Level::BitAnd), join),
            infix(left(6), at(Level::BitXor), join),
            infix(left(5), at(Level::BitOr), join),
            prefix(4, not, negate),
            infix(left(3), at(Level::And), join),
            infix(left(2), at(Level::Xor), join),
            infix(left(1), at(Level::Or), join),
        ))
        .boxed()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `a not < and` … one letter an operand, everything else an operator.
    fn shape(text: &str) -> String {
        let words: Vec<&str> = text.split(' ').collect();
        let row = words
            .iter()
            .enumerate()
            .map(|(index, word)| match *word {
                "not" => Piece::Not(index),
                word => level(word).map_or(Piece::Operand(index), |level| Piece::Infix(index, level)),
            })
            .collect();
        fn show(tree: &Tree, words: &[&str]) -> String {
            match tree {
                Tree::Operand(index) => words[*index].to_string(),
                Tree::Not(_, operand) => format!("(not {})", show(operand, words)),
                Tree::Infix { operator, left, right } => {
                    format!("({} {} {})", show(left, words), words[*operator], show(right, words))
                }
            }
        }
        show(&hang(row).unwrap(), &words)
    }

    #[test]
    fn operators_bind_in_the_documented_order() {
        assert_eq!(shape("a + b * c ** d ** e"), "(a + (b * (c ** (d ** e))))");
        assert_eq!(shape("a / b / c + d"), "(((a / b) / c) + d)");
        assert_eq!(shape("a or b xor c and d == e ++ f"), "(a or (b xor (c and (d == (e ++ f)))))");
        assert_eq!(
            shape("a bit-or b bit-and c == d bit-shl e + f"),
            "(a bit-or (b bit-and (c == (d bit-shl (e + f)))))"
        );
    }

    #[test]
    fn not_takes_a_comparison_and_leaves_the_and() {
        assert_eq!(shape("not not a == b and not c"), "((not (not (a == b))) and (not c))");
        assert_eq!(shape("a and not b == c or d"), "((a and (not (b == c))) or d)");
    }

    #[test]
    fn a_row_that_does_not_alternate_is_refused() {
        assert_eq!(hang(vec![Piece::Operand(0), Piece::Operand(1)]), None);
        assert_eq!(hang(Vec::new()), None);
    }
}
