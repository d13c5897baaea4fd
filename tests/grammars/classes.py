"""What the grammars for editors make of texts: reads a JSON list of texts, and writes for each what is wrong with its
tree, and a letter for each character, once as the tree-sitter grammar has it and once as the TextMate grammar.

C comment, T text, V variable, K keyword, . anything else
"""

import ctypes
import json
import logging
import pathlib
import subprocess
import sys
import tempfile

import tree_sitter
from textmate_grammar.parsers.base import LanguageParser

GRAMMAR = pathlib.Path(sys.argv[1])
KINDS = {
    "comment": "C",
    "string": "T",
    "constant.character.escape": "T",
    "variable.other.dora": "V",
    "keyword.control": "K",
    "keyword.other.attribute": "K",
}
CAPTURES = {"comment": "C", "string": "T", "variable": "V", "keyword": "K"}


def language():
    """The compiled grammar."""
    source = GRAMMAR / "tree-sitter" / "src"
    with tempfile.TemporaryDirectory() as place:
        library = f"{place}/dora.so"
        files = [source / "parser.c", source / "scanner.c"]
        subprocess.run(["cc", "-shared", "-fPIC", "-w", f"-I{source}", *files, "-o", library], check=True)
        make = ctypes.CDLL(library).tree_sitter_dora
    make.restype = ctypes.c_void_p
    capsule = ctypes.pythonapi.PyCapsule_New
    capsule.restype, capsule.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
    return tree_sitter.Language(capsule(make(), b"tree_sitter.Language", None))


def wrong(node):
    """The first place that the tree does not understand."""
    if node.is_missing or node.type == "ERROR":
        return f"{node.start_point.row + 1}:{node.start_point.column + 1} {node.type}"
    return next((found for child in node.children if (found := wrong(child))), None)


def by_tree(tree, query, text):
    """Later patterns win over earlier ones, and inner nodes over those around them."""
    marked = []
    for number, captures in tree_sitter.QueryCursor(query).matches(tree.root_node):
        for name, nodes in captures.items():
            marked += [(node.end_byte - node.start_byte, number, node, name) for node in nodes]
    letters = bytearray(b"." * len(text))
    for _, _, node, name in sorted(marked, key=lambda mark: (-mark[0], mark[1])):
        # Names that are being made are coloured as those that are used, which the prompt does not.
        is_name = name == "variable" and not text[node.start_byte :].startswith((b"$", b"-$", b"...$"))
        letter = "." if is_name else CAPTURES.get(name, ".")
        letters[node.start_byte : node.end_byte] = letter.encode() * (node.end_byte - node.start_byte)
    return letters.decode()


def by_scopes(parser, text):
    lines = text.split("\n")
    letters = [["."] * (len(line) + 1) for line in lines]
    content = parser.parse_string(text)
    for (row, column), piece, scopes in content.flatten() if content else []:
        letter = "."
        for scope in reversed(scopes):
            if scope.startswith(("meta.embedded", "punctuation")):
                break
            kind = next((v for k, v in KINDS.items() if scope.startswith(k)), None)
            if kind:
                letter = kind
                break
        for character in piece:
            if character == "\n" or column >= len(letters[row]):
                row, column = row + 1, 0
                continue
            letters[row][column] = letter
            column += 1
    return "\n".join("".join(line[:-1]) for line in letters)



logging.disable(logging.CRITICAL)
dora = language()
trees = tree_sitter.Parser(dora)
query = tree_sitter.Query(dora, (GRAMMAR / "tree-sitter" / "queries" / "highlights.scm").read_text())
scopes = LanguageParser(json.loads((GRAMMAR / "dora.tmLanguage.json").read_text()))
answers = []
for text in json.load(sys.stdin):
    raw = text.encode()
    tree = trees.parse(raw)
    letters = by_tree(tree, query, raw)
    # Characters, not bytes.
    starts = [len(part.encode()) for part in (text[:at] for at in range(len(text)))] if len(raw) != len(text) else range(len(text))
    answers.append({
        "wrong": wrong(tree.root_node) if tree.root_node.has_error else None,
        "tree": "".join("\n" if c == "\n" else letters[at] for c, at in zip(text, starts)),
        "scopes": by_scopes(scopes, text),
    })
json.dump(answers, sys.stdout)
