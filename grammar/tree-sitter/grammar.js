/**
 * The dora language for tree-sitter: what editors need to colour, fold and select.
 *
 * `../dora.ebnf` is normative. This grammar reads the same texts into a flatter tree: operators stand beside their
 * operands, for their precedence is nothing that an editor shows. A test holds it against the parser on every program
 * there is. `npx tree-sitter-cli generate` makes `src/parser.c` of it.
 */

/// <reference types="tree-sitter-cli/dsl" />
// @ts-check

const OPERATORS = [
  "==", "!=", "<", "<=", ">", ">=", "=~", "!~", "like", "not-like", "in", "not-in", "has", "not-has", "starts-with",
  "not-starts-with", "ends-with", "not-ends-with", "or", "xor", "and", "not", "bit-or", "bit-xor", "bit-and", "++",
  "bit-shl", "bit-shr", "+", "-", "*", "/", "//", "mod", "**",
];
const ASSIGNMENTS = ["=", "+=", "-=", "*=", "/=", "++="];
const FROM = ["o", "out", "e", "err", "o+e", "e+o", "out+err", "err+out"];
// What a word is not made of: blanks, | ; , : quotes and brackets.
const REST = /[^\s|;,:'"`()\[\]{}]*/;
const INT = /-?[0-9][0-9_]*/;
const NAME = /[\p{L}_][\p{L}\p{N}_-]*/;

module.exports = grammar({
  name: "dora",

  // The end of a line, where it ends a statement; only the scanner sees that none does when the next begins with `|`.
  externals: ($) => [$._newline],
  extras: ($) => [/\s/, $.comment],
  word: ($) => $.word,
  conflicts: ($) => [
    [$.pattern, $.record],
    [$.match_body, $.record],
    [$._end, $.record],
    [$.record, $.block],
    [$._key, $.call],
  ],

  rules: {
    program: ($) => optional($._statements),

    _statements: ($) =>
      choice(
        repeat1($._end),
        seq(repeat($._end), $._statement, repeat(seq(repeat1($._end), $._statement)), repeat($._end)),
      ),
    _end: ($) => choice($._newline, ";"),
    _statement: ($) => choice($.pipeline, $.attribute),

    attribute: ($) => seq(field("name", alias(token(seq("@", NAME)), $.attribute_name)), repeat(choice($._atom, $.block, $.flag))),

    pipeline: ($) => prec.right(seq($._element, repeat(seq($.pipe, $._element)))),
    pipe: () => token(choice("|", ...FROM.slice(2).map((from) => `${from}>|`))),
    _element: ($) => prec.right(seq(repeat($.environment), $._stage, repeat($.redirection))),
    environment: ($) =>
      seq(
        field("name", alias(token(prec(1, seq(/[A-Za-z_]\w*/, "="))), $.environment_name)),
        field("value", choice(alias(token.immediate(/[^\s|;,:'"`()\[\]{}$]+/), $.word), $._glued_string)),
      ),
    redirection: ($) =>
      seq(
        alias(token(choice(...FROM.flatMap((from) => [`${from}>`, `${from}>>`]))), $.redirect),
        field("to", choice($.word, $.string, $.interpolation, $.variable, $.subexpression)),
      ),

    _stage: ($) => choice($._form, $.call, $.condition_call, $.assignment, $.expression),

    // Keyword forms

    _form: ($) =>
      choice(
        $.binding, $.definition, $.if, $.match, $.for, $.while, $.loop, $.break, $.continue, $.return, $.try, $.module,
        $.use, $.source,
      ),
    binding: ($) =>
      seq(
        optional("export"),
        field("keyword", choice("let", "mut", "const")),
        field("name", choice($.word, $.variable)),
        optional(seq(":", field("type", $.type))),
        optional(seq("=", $.pipeline)),
      ),
    assignment: ($) =>
      prec(1, seq(field("place", $.variable), field("operator", alias(choice(...ASSIGNMENTS), $.operator)), $.pipeline)),
    definition: ($) =>
      seq(
        optional("export"),
        "def",
        repeat($.flag),
        field("name", choice($.word, $.string)),
        $.signature,
        field("body", $.block),
      ),
    signature: ($) =>
      seq(
        "[", repeat(choice($.parameter, ",")), "]",
        optional(seq(":", choice($._io, seq("[", repeat(choice($._io, ",")), "]")))),
      ),
    _io: ($) => seq($.type, "->", $.type),
    parameter: ($) =>
      seq(
        field("name", choice(alias($._parameter_name, $.word), $.flag, alias(/\.\.\.[\p{L}_][\p{L}\p{N}_-]*/, $.rest))),
        optional(seq("(", $.flag, ")")),
        optional(seq(":", $.type)),
        optional(seq("=", field("default", $._atom))),
      ),
    _parameter_name: () => /\$?[\p{L}_][\p{L}\p{N}_-]*\??/,
    type: ($) =>
      prec.right(
        seq(
          alias($._type_name, $.type_name),
          optional(seq(token.immediate("<"), repeat(choice($._type_entry, ",")), ">")),
          optional($.completer),
        ),
      ),
    _type_name: () => /[a-z][a-z-]*/,
    _type_entry: ($) => choice($.type, seq(field("key", choice(alias(/[\p{L}_][\p{L}\p{N}_-]*\??/, $.word), $.string)), ":", $.type)),
    completer: ($) =>
      seq(token.immediate("@"), choice(alias(token.immediate(/[^\s|;,:'"`()\[\]{}]+/), $.word), $._glued_string, seq(token.immediate("["), repeat(choice($.word, $.string, ",")), "]"))),

    if: ($) => prec.right(seq("if", $._head, $.block, optional(seq("else", choice($.if, $.match, $.block))))),
    while: ($) => seq("while", $._head, $.block),
    for: ($) =>
      seq("for", field("name", choice($.word, $.variable)), optional(seq(":", $.type)), "in", $._head, $.block),
    loop: ($) => seq("loop", $.block),
    break: () => "break",
    continue: () => "continue",
    return: ($) => prec.right(seq("return", optional($.pipeline))),
    try: ($) =>
      prec.right(
        seq(
          "try", $.block,
          optional(seq("catch", choice($.block, $.closure, $.variable))),
          optional(seq("finally", choice($.block, $.closure))),
        ),
      ),
    module: ($) => seq(optional("export"), "module", field("name", $.word), $.block),
    use: ($) => prec.right(seq(optional("export"), "use", repeat1(choice($.word, $.string, $.list)))),
    source: ($) => seq("source", choice($.word, $.string)),
    _head: ($) => repeat1(choice($._atom, $.operator, $.pipe, $.flag, ":")),

    match: ($) => seq("match", $._head, $.match_body),
    match_body: ($) => seq("{", repeat(choice($.arm, ",", $._newline)), "}"),
    arm: ($) => seq($.pattern, optional(seq("if", repeat1(choice($._atom, $.operator)))), "=>", $._arm_body),
    pattern: ($) => seq(repeat1(choice($._atom, $.spread)), repeat(seq("|", repeat1(choice($._atom, $.spread))))),
    _arm_body: ($) => choice(prec(1, $.block), $.call, $.expression),

    // Calls

    call: ($) =>
      prec.right(
        seq(
          field("name", choice($.word, $.external, $.declared)),
          repeat(choice($._atom, $.flag, $.block, $.spread, ":", alias($._glued_comma, $.word))),
        ),
      ),
    // `warn,error` is one argument.
    _glued_comma: () => token.immediate(/,[^\s|;,:'"`()\[\]{}]+/),
    external: ($) => prec.right(seq(token(seq("^", REST)), optional($._glued))),
    declared: ($) => prec.right(seq(token(seq("%", REST)), optional($._glued))),
    _glued: ($) => choice($._glued_string, $.subexpression),
    condition_call: ($) =>
      prec.right(
        seq(
          field("name", choice("where", "any", "all", "filter")),
          repeat1(choice($._atom, $.operator, $.block)),
        ),
      ),
    flag: () => token(/--?[\p{L}][\p{L}\p{N}_-]*=?/),

    // Expressions

    expression: ($) =>
      prec.right(
        seq(
          choice($._value, $.operator),
          repeat(choice($._atom, $.operator)),
        ),
      ),
    operator: () => choice(...OPERATORS),
    _atom: ($) => choice($._value, $.word),
    _value: ($) =>
      choice(
        $.literal, $.range, $.string, $.interpolation, $.variable, $.list, $.table, $.record, $.closure,
        $.subexpression, $.member,
      ),
    // A part of a path behind a bracket or a quote: `(ls).name`, `$x."a b"`.
    member: ($) => prec.right(seq(token.immediate(prec(2, ".")), choice($._glued_string, alias(token.immediate(/[^\s|;,:'"`()\[\]{}]+/), $.word)))),
    spread: ($) =>
      choice(
        seq("...", choice($.list, $.subexpression, $.record)),
        alias(token(seq("...$", NAME, repeat(/\.[^\s|;,:'"`()\[\]{}.]+/))), $.variable),
      ),

    variable: () =>
      token(seq(optional("-"), "$", optional(NAME), repeat(/\.[^\s|;,:'"`()\[\]{}.]+/))),
    range: () =>
      token(
          choice(
            seq(INT, "..", optional(choice("<", "="))),
            seq(INT, "..", optional(choice("<", "=")), choice(INT, seq("$", NAME)), optional(seq("..", optional(choice("<", "=")), INT))),
            seq("..", optional(choice("<", "=")), optional(choice(INT, seq("$", NAME)))),
            seq("$", NAME, repeat(/\.[^\s|;,:'"`()\[\]{}.]+/), "..", optional(choice("<", "=")), optional(choice(INT, seq("$", NAME)))),
          ),
      ),
    literal: () =>
      token(
          choice(
            "null", "true", "false", "inf", "-inf", "NaN", "infinity", "-infinity",
            seq(INT, optional(/\.[0-9_]+/), optional(/[eE][-+]?[0-9]+/), optional(/[a-zA-Zµ]+/)),
            /0x[0-9a-fA-F_]+/, /0o[0-7_]+/, /0b[01_]+/,
            /0[xob]\[[0-9a-fA-F\s_,]*\]/,
            /[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?(Z|[+-][0-9]{2}:?[0-9]{2})?)?/,
          ),
      ),

    subexpression: ($) => seq("(", optional(seq($.pipeline, repeat(seq(repeat1(";"), $.pipeline)), repeat(";"))), ")"),
    list: ($) => seq("[", repeat(choice($._atom, $.flag, $.operator, $.spread, ",", ":")), "]"),
    table: ($) => seq("[", $.list, ";", repeat(choice($.list, ",", $.spread)), "]"),
    record: ($) => prec.dynamic(1, seq("{", repeat(choice($.entry, $.spread, ",", $._newline)), "}")),
    entry: ($) => seq(field("key", $._key), ":", field("value", choice($._atom, $.block))),
    _key: ($) => choice($.word, $.string, $.interpolation, $.variable, $.subexpression, $.literal),
    block: ($) => seq("{", optional($._statements), "}"),
    closure: ($) => seq(token(seq("{", /\s*/, "|")), repeat(choice($.parameter, ",")), "|", optional($._statements), "}"),

    // Texts

    string: () =>
      token(
        choice(
          /'[^']*'/,
          seq('"', repeat(choice(/[^"\\]/, /\\(.|\n)/)), '"'),
          /`[^`]*`/,
          /r#'([^']|'+[^'#])*'+#/,
        ),
      ),
    _glued_string: ($) => choice(alias(token.immediate(choice(/'[^']*'/, seq('"', repeat(choice(/[^"\\]/, /\\(.|\n)/)), '"'), /`[^`]*`/)), $.string), $.interpolation),
    interpolation: ($) =>
      choice(
        seq('$"', repeat(choice(alias(token.immediate(prec(1, /([^"\\(]|\\(.|\n))+/)), $.text), $.filled)), token.immediate('"')),
        seq("$'", repeat(choice(alias(token.immediate(prec(1, /[^'(]+/)), $.text), $.filled)), token.immediate("'")),
      ),
    filled: ($) => seq(token.immediate("("), optional(seq($.pipeline, repeat(seq(repeat1(";"), $.pipeline)), repeat(";"))), ")"),

    comment: () => token(/#[^\n]*/),
    word: () => token(/[^\s|;,:'"`()\[\]{}$#][^\s|;,:'"`()\[\]{}]*/),
  },
});
