/* Where a line ends a statement: not when the next line that says something begins with a single `|`. */

#include "tree_sitter/parser.h"

enum TokenType { NEWLINE };

void *tree_sitter_dora_external_scanner_create(void) { return NULL; }
void tree_sitter_dora_external_scanner_destroy(void *payload) { (void)payload; }
unsigned tree_sitter_dora_external_scanner_serialize(void *payload, char *buffer) {
  (void)payload;
  (void)buffer;
  return 0;
}
void tree_sitter_dora_external_scanner_deserialize(void *payload, const char *buffer, unsigned length) {
  (void)payload;
  (void)buffer;
  (void)length;
}

static bool is_blank(int32_t c) { return c == ' ' || c == '\t' || c == '\r'; }

bool tree_sitter_dora_external_scanner_scan(void *payload, TSLexer *lexer, const bool *valid) {
  (void)payload;
  if (!valid[NEWLINE]) return false;
  while (is_blank(lexer->lookahead)) lexer->advance(lexer, true);
  if (lexer->lookahead != '\n') return false;
  lexer->advance(lexer, false);
  lexer->mark_end(lexer);
  for (;;) {
    while (is_blank(lexer->lookahead) || lexer->lookahead == '\n') lexer->advance(lexer, false);
    if (lexer->lookahead != '#') break;
    while (lexer->lookahead != '\n' && !lexer->eof(lexer)) lexer->advance(lexer, false);
  }
  if (lexer->lookahead == '|') return false;
  lexer->result_symbol = NEWLINE;
  return true;
}
