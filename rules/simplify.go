package rules

import (
	"strconv"
	"strings"
)

// exprOp is what a node of a compiled condition does.
type exprOp uint8

const (
	falseExpr exprOp = iota
	trueExpr
	literalExpr // a predicate, or its negation
	andExpr
	orExpr
	atLeastExpr // at least n of the arguments
)

// boolExpr is a condition over predicates in negation normal form: only
// predicates are negated. Expressions are immutable and share parts.
type boolExpr struct {
	op        exprOp
	negated   bool // of literalExpr
	predicate int  // of literalExpr
	n         int  // of atLeastExpr
	args      []*boolExpr
}

var (
	exprFalse = &boolExpr{op: falseExpr}
	exprTrue  = &boolExpr{op: trueExpr}
)

func constant(value bool) *boolExpr {
	if value {
		return exprTrue
	}
	return exprFalse
}

// not returns the negation, pushed down to the predicates.
func not(e *boolExpr) *boolExpr {
	switch e.op {
	case falseExpr:
		return exprTrue
	case trueExpr:
		return exprFalse
	case literalExpr:
		return &boolExpr{op: literalExpr, predicate: e.predicate, negated: !e.negated}
	}
	args := make([]*boolExpr, len(e.args))
	for i, arg := range e.args {
		args[i] = not(arg)
	}
	switch e.op {
	case andExpr:
		return &boolExpr{op: orExpr, args: args}
	case orExpr:
		return &boolExpr{op: andExpr, args: args}
	}
	return &boolExpr{op: atLeastExpr, n: len(args) - e.n + 1, args: args}
}

// and joins expressions that all must hold. Constants fold away, nested ones
// are taken in, repeated ones dropped.
func and(args ...*boolExpr) *boolExpr { return join(andExpr, args) }

// or joins expressions of which one must hold.
func or(args ...*boolExpr) *boolExpr { return join(orExpr, args) }

// join builds an and or an or. For the former true is neutral and false
// absorbs, for the latter the other way round; a predicate and its negation
// absorb too.
func join(op exprOp, args []*boolExpr) *boolExpr {
	neutral, absorbing := exprTrue, exprFalse
	if op == orExpr {
		neutral, absorbing = exprFalse, exprTrue
	}
	kept := make([]*boolExpr, 0, len(args))
	seen := make(map[int]bool) // predicate to whether negated
	absorbed := false
	var add func(args []*boolExpr)
	add = func(args []*boolExpr) {
		for _, arg := range args {
			switch arg.op {
			case neutral.op:
				continue
			case absorbing.op:
				absorbed = true
			case op:
				add(arg.args)
				continue
			case literalExpr:
				if negated, ok := seen[arg.predicate]; ok {
					absorbed = absorbed || negated != arg.negated
					continue
				}
				seen[arg.predicate] = arg.negated
			}
			kept = append(kept, arg)
		}
	}
	add(args)
	switch {
	case absorbed:
		return absorbing
	case len(kept) == 0:
		return neutral
	case len(kept) == 1:
		return kept[0]
	}
	return &boolExpr{op: op, args: kept}
}

// atLeast returns the expression that n of the arguments hold.
func atLeast(n int, args []*boolExpr) *boolExpr {
	var open []*boolExpr
	for _, arg := range args {
		switch arg.op {
		case trueExpr:
			n--
		case falseExpr:
		default:
			open = append(open, arg)
		}
	}
	switch {
	case n <= 0:
		return exprTrue
	case n > len(open):
		return exprFalse
	case n == len(open):
		return and(open...)
	case n == 1:
		return or(open...)
	}
	return &boolExpr{op: atLeastExpr, n: n, args: open}
}

// cover returns predicates of which at least one holds whenever the expression
// does, the cheapest set by the given costs, and its cost. ok is false if there
// is none: the expression can hold when no predicate does.
func (e *boolExpr) cover(costs []float64) (set []int, cost float64, ok bool) {
	switch e.op {
	case falseExpr:
		return nil, 0, true
	case literalExpr:
		if e.negated || costs[e.predicate] < 0 {
			return nil, 0, false
		}
		return []int{e.predicate}, costs[e.predicate], true
	case andExpr:
		for _, arg := range e.args {
			if s, c, found := arg.cover(costs); found && (!ok || c < cost) {
				set, cost, ok = s, c, true
			}
		}
		return set, cost, ok
	case orExpr, atLeastExpr:
		for _, arg := range e.args {
			s, c, found := arg.cover(costs)
			if !found {
				return nil, 0, false
			}
			set, cost = append(set, s...), cost+c
		}
		return set, cost, true
	}
	return nil, 0, false
}

// render writes the expression as a condition, predicates as describe names
// them.
func (e *boolExpr) render(b *strings.Builder, describe func(predicate int) string) {
	switch e.op {
	case falseExpr:
		b.WriteString("never")
	case trueExpr:
		b.WriteString("always")
	case literalExpr:
		if e.negated {
			b.WriteString("not ")
		}
		b.WriteString(describe(e.predicate))
	default:
		e.renderArgs(b, describe)
	}
}

func (e *boolExpr) renderArgs(b *strings.Builder, describe func(predicate int) string) {
	separator := " and "
	switch e.op {
	case orExpr:
		separator = " or "
	case atLeastExpr:
		separator = ", "
		b.WriteString("at least " + strconv.Itoa(e.n) + " of ")
	}
	if e.op == atLeastExpr {
		b.WriteByte('(')
	}
	for i, arg := range e.args {
		if i > 0 {
			b.WriteString(separator)
		}
		if arg.op == orExpr || arg.op == andExpr {
			b.WriteByte('(')
			arg.render(b, describe)
			b.WriteByte(')')
			continue
		}
		arg.render(b, describe)
	}
	if e.op == atLeastExpr {
		b.WriteByte(')')
	}
}
