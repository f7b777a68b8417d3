// Package text reports whether a text matches a value of a rule: literals and
// wildcards (Pattern), regular expressions (Automaton, RegexpFilter), and many
// literals at a time (LiteralIndex, AffixTable), in the forms in which texts
// are compared (Forms). It depends on no rule, no field and no event.
//
// What a Set makes once is immutable, and goroutines may share it; an Automaton
// and Forms belong to one goroutine.
package text
