; What a piece of a program is, for editors. The last pattern that matches wins.

(comment) @comment
(word) @string.special.symbol
(string) @string
(interpolation) @string
(text) @string
(filled ["(" ")"] @punctuation.special)
(literal) @constant
(range) @constant
(variable) @variable
(flag) @attribute
(rest) @variable.parameter
(operator) @operator
(redirect) @operator
(pipe) @punctuation.delimiter
["(" ")" "[" "]" "{" "}"] @punctuation.bracket
[";" "," ":"] @punctuation.delimiter
["=>" "->" "=" "..."] @operator

(type_name) @type
(parameter name: (word) @variable.parameter)
(entry key: (word) @property)
(environment name: (environment_name) @variable)
(attribute name: (attribute_name) @keyword)
(binding name: (word) @variable)
(for name: (word) @variable)
(definition name: (word) @function)
(call name: (word) @function)
(external) @function
(declared) @function

[
  "let" "mut" "const" "export" "def" "if" "else" "match" "for" "while" "loop" "return" "try" "catch" "finally"
  "module" "use" "source"
] @keyword
["where" "any" "all" "filter"] @function
(for "in" @keyword)
(break) @keyword
(continue) @keyword
(arm "if" @operator)
