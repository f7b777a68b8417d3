package rules

import "errors"

// Targets of an instruction that end a program.
const (
	accept int32 = -1
	reject int32 = -2
)

// instruction tests one predicate and holds where to go on.
type instruction struct {
	predicate int32
	negated   bool
	then      int32 // next instruction if the literal holds, accept or reject
	otherwise int32
}

// maxInstructions bounds the program of one rule. Only quantifiers over many
// searches multiply.
const maxInstructions = 1 << 18

var errProgramSize = errors.New("the condition is too large")

// program holds the compiled conditions of all rules.
type program struct {
	code []instruction
	base int // where the rule that is being compiled begins
}

// compile appends the code of a condition and returns where it starts: an
// instruction, accept or reject.
func (p *program) compile(e *boolExpr) (int32, error) {
	p.base = len(p.code)
	entry := p.emit(e, accept, reject)
	if len(p.code)-p.base > maxInstructions {
		p.code = p.code[:p.base]
		return reject, errProgramSize
	}
	return entry, nil
}

// emit appends code that goes to then if the expression holds and to otherwise
// if not; it is written from the last test to the first, so that targets are
// known. It returns the entry.
func (p *program) emit(e *boolExpr, then, otherwise int32) int32 {
	if len(p.code)-p.base > maxInstructions {
		return reject
	}
	switch e.op {
	case falseExpr:
		return otherwise
	case trueExpr:
		return then
	case literalExpr:
		p.code = append(p.code, instruction{int32(e.predicate), e.negated, then, otherwise})
		return int32(len(p.code) - 1)
	case andExpr:
		for i := len(e.args) - 1; i >= 0; i-- {
			then = p.emit(e.args[i], then, otherwise)
		}
		return then
	case orExpr:
		for i := len(e.args) - 1; i >= 0; i-- {
			otherwise = p.emit(e.args[i], then, otherwise)
		}
		return otherwise
	}
	return p.emitAtLeast(e, then, otherwise)
}

// emitAtLeast writes a counter as states: entry[c] is where to go on when c
// arguments have held so far.
func (p *program) emitAtLeast(e *boolExpr, then, otherwise int32) int32 {
	entry := make([]int32, e.n+1)
	for c := range e.n {
		entry[c] = otherwise
	}
	entry[e.n] = then
	for i := len(e.args) - 1; i >= 0; i-- {
		for c := range e.n { // entry[c+1] is still that of the argument after this one
			entry[c] = p.emit(e.args[i], entry[c+1], entry[c])
		}
	}
	return entry[0]
}

// runProgram evaluates a program. bits holds the predicates that are true.
func runProgram(code []instruction, entry int32, bits []uint64) bool {
	for entry >= 0 {
		in := &code[entry]
		holds := bits[in.predicate>>6]>>(in.predicate&63)&1 != 0
		if holds != in.negated {
			entry = in.then
		} else {
			entry = in.otherwise
		}
	}
	return entry == accept
}

// runAssuming evaluates a program as if every literal of a predicate in unknown
// had the given value. Since only literals are negated, the result with false
// implies the real one, and the real one implies that with true.
func runAssuming(code []instruction, entry int32, bits, unknown []uint64, value bool) bool {
	for entry >= 0 {
		in := &code[entry]
		word, bit := in.predicate>>6, uint(in.predicate&63)
		holds := bits[word]>>bit&1 != 0 != in.negated
		if unknown[word]>>bit&1 != 0 {
			holds = value
		}
		if holds {
			entry = in.then
		} else {
			entry = in.otherwise
		}
	}
	return entry == accept
}
