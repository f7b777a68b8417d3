package rules

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"webshellscan/rules/internal/text"
)

// conditionOp is what a node of a condition does.
type conditionOp uint8

const (
	refOp     conditionOp = iota // the search with that index matches
	notOp                        // the argument does not
	andOp                        // all arguments
	orOp                         // any argument
	atLeastOp                    // at least n arguments
)

// conditionNode is a node of a parsed conditionNode.
type conditionNode struct {
	op     conditionOp
	search int // of refOp: index into the detection's searches
	n      int // of atLeastOp
	args   []*conditionNode
}

// Limits on a condition.
const (
	maxConditionDepth = 200    // of brackets and nots
	maxConditionNodes = 20_000 // with quantifiers written out
)

// parseCondition parses a condition over the searches of those names. The
// grammar, from the least to the most binding (Sigma rules specification,
// "Condition"; keywords in any case):
//
//	or        = and { "or" and }
//	and       = not { "and" not }
//	not       = "not" not | operand
//	operand   = "(" or ")" | quantifier "of" pattern | name
//	quantifier = number | "any" | "all"
//	pattern   = "them" | name with any number of "*"
//
// The specification has 1 and all; other numbers mean "at least that many", any
// means 1.
func parseCondition(text string, names []string) (*conditionNode, error) {
	p := conditionParser{tokens: conditionTokens(text), names: names}
	if len(p.tokens) == 0 {
		return nil, fmt.Errorf("it is empty")
	}
	c, err := p.or(0)
	if err != nil {
		return nil, err
	}
	if rest := p.peek(); rest != "" {
		return nil, p.unexpected()
	}
	return c, nil
}

// conditionToken is a bracket, a pipe or a word, with its place in the text in
// bytes.
type conditionToken struct {
	text string
	at   int
}

func conditionTokens(text string) []conditionToken {
	var tokens []conditionToken
	const space, special = " \t\r\n", "()|"
	for i := 0; i < len(text); {
		switch {
		case strings.IndexByte(space, text[i]) >= 0:
			i++
		case strings.IndexByte(special, text[i]) >= 0:
			tokens = append(tokens, conditionToken{text[i : i+1], i})
			i++
		default:
			end := len(text)
			if n := strings.IndexAny(text[i:], space+special); n >= 0 {
				end = i + n
			}
			tokens = append(tokens, conditionToken{text[i:end], i})
			i = end
		}
	}
	return tokens
}

type conditionParser struct {
	tokens []conditionToken
	names  []string
	next   int
	nodes  int
}

// peek returns the next token, "" at the end.
func (p *conditionParser) peek() string { return p.peekAt(0) }

func (p *conditionParser) peekAt(ahead int) string {
	if p.next+ahead < len(p.tokens) {
		return p.tokens[p.next+ahead].text
	}
	return ""
}

func (p *conditionParser) unexpected() error {
	if p.next >= len(p.tokens) {
		return fmt.Errorf("it ends where a search name, not or a bracket is expected")
	}
	t := p.tokens[p.next]
	if t.text == "|" {
		return fmt.Errorf("character %d: aggregations (\"|\") are no longer part of Sigma; use a correlation rule", t.at+1)
	}
	return fmt.Errorf("character %d: unexpected %s", t.at+1, text.Quote(t.text))
}

// keyword consumes the next token if it is that word.
func (p *conditionParser) keyword(word string) bool {
	if strings.EqualFold(p.peek(), word) {
		p.next++
		return true
	}
	return false
}

func (p *conditionParser) or(depth int) (*conditionNode, error) {
	return p.chain("or", orOp, depth, p.and)
}

func (p *conditionParser) and(depth int) (*conditionNode, error) {
	return p.chain("and", andOp, depth, p.not)
}

// chain parses operands joined by a keyword.
func (p *conditionParser) chain(word string, op conditionOp, depth int, operand func(int) (*conditionNode, error)) (*conditionNode, error) {
	first, err := operand(depth)
	if err != nil {
		return nil, err
	}
	args := []*conditionNode{first}
	for p.keyword(word) {
		arg, err := operand(depth)
		if err != nil {
			return nil, err
		}
		args = append(args, arg)
	}
	if len(args) == 1 {
		return first, nil
	}
	return &conditionNode{op: op, args: args}, nil
}

func (p *conditionParser) not(depth int) (*conditionNode, error) {
	if depth > maxConditionDepth {
		return nil, fmt.Errorf("brackets and nots nested more than %d deep", maxConditionDepth)
	}
	if !p.keyword("not") {
		return p.operand(depth)
	}
	arg, err := p.not(depth + 1)
	if err != nil {
		return nil, err
	}
	return &conditionNode{op: notOp, args: []*conditionNode{arg}}, nil
}

func (p *conditionParser) operand(depth int) (*conditionNode, error) {
	word := p.peek()
	switch {
	case word == "(":
		p.next++
		inner, err := p.or(depth + 1)
		if err != nil {
			return nil, err
		}
		if p.peek() != ")" {
			if p.peek() == "" {
				return nil, fmt.Errorf("a bracket is not closed")
			}
			return nil, p.unexpected()
		}
		p.next++
		return inner, nil
	case word == "" || word == ")" || word == "|" || strings.EqualFold(word, "and") || strings.EqualFold(word, "or"):
		return nil, p.unexpected()
	case strings.EqualFold(p.peekAt(1), "of"):
		return p.quantified()
	}
	return p.reference()
}

// reference parses the name of one search.
func (p *conditionParser) reference() (*conditionNode, error) {
	t := p.tokens[p.next]
	i := slices.Index(p.names, t.text)
	if i < 0 {
		return nil, fmt.Errorf("character %d: there is no search %s", t.at+1, text.Quote(t.text))
	}
	p.next++
	return p.ref(i)
}

func (p *conditionParser) ref(i int) (*conditionNode, error) {
	if p.nodes++; p.nodes > maxConditionNodes {
		return nil, fmt.Errorf("it refers to searches more than %d times", maxConditionNodes)
	}
	return &conditionNode{op: refOp, search: i}, nil
}

// quantified parses "1 of ...", "all of ..." and "N of ...".
func (p *conditionParser) quantified() (*conditionNode, error) {
	start := p.tokens[p.next]
	p.next += 2
	pattern := p.peek()
	if pattern == "" || strings.Contains("()|", pattern) {
		return nil, p.unexpected()
	}
	p.next++
	var args []*conditionNode
	for i, name := range p.names {
		if !selects(pattern, name) {
			continue
		}
		ref, err := p.ref(i)
		if err != nil {
			return nil, err
		}
		args = append(args, ref)
	}
	if len(args) == 0 {
		return nil, fmt.Errorf("character %d: no search is meant by %s", start.at+1, text.Quote(pattern))
	}
	switch quantifier := strings.ToLower(start.text); quantifier {
	case "all":
		return &conditionNode{op: andOp, args: args}, nil
	case "any":
		return &conditionNode{op: orOp, args: args}, nil
	default:
		n, err := strconv.Atoi(quantifier)
		if err != nil || n < 1 {
			return nil, fmt.Errorf("character %d: %s is not a quantifier: a number from 1, any or all", start.at+1, text.Quote(start.text))
		}
		if n > len(args) {
			return nil, fmt.Errorf("character %d: %d of %s can never hold, since it means %d searches", start.at+1, n, text.Quote(pattern), len(args))
		}
		if n == 1 {
			return &conditionNode{op: orOp, args: args}, nil
		}
		return &conditionNode{op: atLeastOp, n: n, args: args}, nil
	}
}

// selects reports whether a quantifier's pattern means a search. Names that
// begin with an underscore are meant only by patterns that begin so too. Sigma
// rules specification, "Condition": "1/all of them", "1/all of
// search-identifier-pattern".
func selects(pattern, name string) bool {
	if pattern == "them" {
		pattern = "*"
	}
	if strings.HasPrefix(name, "_") && !strings.HasPrefix(pattern, "_") {
		return false
	}
	pieces := strings.Split(pattern, "*")
	if len(pieces) == 1 {
		return pattern == name
	}
	first, last := pieces[0], pieces[len(pieces)-1]
	if !strings.HasPrefix(name, first) {
		return false
	}
	name = name[len(first):]
	for _, piece := range pieces[1 : len(pieces)-1] {
		i := strings.Index(name, piece)
		if i < 0 {
			return false
		}
		name = name[i+len(piece):]
	}
	return strings.HasSuffix(name, last)
}
