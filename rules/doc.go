// Package rules reads Sigma rules, compiles them and matches them against
// anything that answers "which values does field X have?". It follows the Sigma
// specification, version 2.1.0: detection rules, correlation rules and filters.
//
// The way of a rule:
//
//	Load, Parse    bytes to Rule: YAML to nodes with positions, nodes to metadata, searches and conditions
//	Compile        Rule to Set: log sources chosen, filters joined, conditions folded, value matchers shared by field
//	Correlate      correlation rules to Correlations, over the rules of one Set or several
//	Matcher        Set and Subject to the rules that match; one Matcher for each goroutine
//	Correlator     the stream of matches to the correlation rules that match
//
// What is evaluated: a rule's detection is a tree over search items; an item is
// a field, modifiers and values. Every distinct item is one predicate: a
// question about one text of one field. The values of a field are interned by
// the caller, so all predicates of a field are asked of a text once and the
// answer, a list of the predicates that hold, is kept under the value's number
// as a verdict. A subject is then a tuple of verdicts, one for each field, and
// the rules that match such a tuple are kept too. What remains for a subject
// whose values have been seen is one look-up for each field and one for the
// tuple; fields that come from one thing that subjects share, such as those of
// an image, are one place in the tuple (Bundler).
//
// Where the specification leaves a choice, this one was made:
//
//   - An absent field is null and fits no value; the empty value fits only a
//     field that is there and empty. neq and not hold for it.
//   - Of a field with several values, such as all ancestors' images, an item
//     needs one value that fits it; with the modifier all, one value that fits
//     all of its texts. Keywords with all may each stand in another field.
//   - A number fits a text that is the same, or that is the same number,
//     decimal or after 0x. Numeric comparisons read fields so too.
//   - Regular expressions are searched for anywhere, with case. With startswith
//     or endswith they are bound to that end.
//   - windash makes all five dashes equal wherever they stand in the value.
//     Before an encoding its permutations are written out.
//   - Encoded values are compared without case like all others, unless cased is
//     given. UTF-16 without Base64 is looked for as the characters of its
//     bytes' numbers.
//   - In conditions, N of means at least N, any of means 1 of, and names that
//     begin with an underscore are meant only by a pattern that does so too.
//   - A filter suppresses what its selections match, whether it is written as
//     `selection` or as `not selection`.
//   - Correlations that can only be met by enough are evaluated at every event
//     over the timespan that ends there; those that can be met by too little or
//     by a share, once, when the timespan that their first event began is over.
//     An event without a group-by field belongs to no group. value_percentile
//     without the attribute percentile is about each value's share of the
//     events.
//
// The package depends on no bytes and no logs. Of other packages of this module
// it imports internal/work and internal/wire only, of others a YAML reader, in
// parse.go only.
package rules
