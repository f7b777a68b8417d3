package text

import (
	"encoding/binary"
	"regexp/syntax"
	"slices"
	"unicode/utf8"
)

// Automaton reports whether an expression matches a text by a deterministic
// Automaton: one look-up for each byte, where Go's engine keeps account of
// every way in which the expression could still match. Its states are made when
// texts first need them, so that it has those that occur and not all that
// could. It answers for ASCII only. An automaton is for one goroutine.
//
// A state is what is known before a byte: the instructions that wait for it,
// and what kind of character came before, which assertions such as \b ask for.
// See Russ Cox, "Regular Expression Matching Can Be Simple And Fast" (2007).
type Automaton struct {
	prog    *syntax.Prog // nil if there is no automaton, or no longer
	asserts bool         // whether the expression has assertions

	table   []uint16          // by state and byte, a row of 256 for each state: what follows
	ends    []uint16          // by state: what follows at the end of the text
	states  []automatonState  // by state
	byKey   map[string]uint16 // states
	Size    int               // bytes of all states
	made    int               // states ever made
	dropped int               // how often all states were dropped
	read    int               // bytes ever read

	out   []uint32 // scratch: instructions that wait in the next state
	seen  []uint32 // by instruction: mark
	mark  uint32
	stack []uint32
	key   []byte
}

// automatonState is what a state stands for.
type automatonState struct {
	waiting []uint32 // instructions, ascending
	before  rune     // a character of the kind that came before, -1 for the beginning of the text
}

// What follows a state by a byte: the place of the next state's row in the
// table plus one, or one of these.
const (
	stateUnknown = 0         // not found out yet
	stateMatches = 1<<16 - 1 // the expression matches
	stateFails   = 1<<16 - 2 // the text has ended, and it does not match
	stateForeign = 1<<16 - 3 // the byte is not of ASCII
)

const (
	stateRow  = 1 << 8
	stateSize = 2*stateRow + 64 // bytes of a state and its key beside the instructions

	// Limits on one automaton. The largest expression of SigmaHQ's has some
	// 2,000 instructions.
	maxAutomatonProgram = 4 << 10 // instructions
	maxAutomatonStates  = 250     // after that they are made anew; the rows' places have 16 bits

	// An automaton whose states hardly ever come again is slower than Go's
	// engine: it is given up once it has made so many and has not read so
	// many bytes for each.
	patience      = 4 * maxAutomatonStates
	bytesForState = 32
)

// NewAutomaton returns the automaton of a program; one that is hopeless if
// there is none or it is too large.
func NewAutomaton(prog *syntax.Prog) *Automaton {
	if prog == nil || len(prog.Inst) > maxAutomatonProgram {
		return &Automaton{}
	}
	a := &Automaton{prog: prog, seen: make([]uint32, len(prog.Inst))}
	for i := range prog.Inst {
		a.asserts = a.asserts || prog.Inst[i].Op == syntax.InstEmptyWidth
	}
	return a
}

// Forget drops all states.
func (a *Automaton) Forget() {
	a.table, a.ends, a.states, a.byKey, a.Size = nil, nil, nil, nil, 0
	a.dropped++
}

// Hopeless reports whether the automaton is given up.
func (a *Automaton) Hopeless() bool { return a.prog == nil }

// GiveUp abandons the automaton if its states hardly ever come again.
func (a *Automaton) GiveUp() {
	if a.made > patience && a.read < a.made*bytesForState {
		*a = Automaton{made: a.made}
	}
}

// Match reports whether the expression matches s. It does not know if that
// depends on characters beyond ASCII.
func (a *Automaton) Match(s string) (matches, known bool) {
	if len(a.states) == 0 {
		a.begin()
	}
	a.read += len(s)
	at := uint(0) // place of the state's row
	for i := 0; i < len(s); i++ {
		if at == 0 {
			if i = a.leave(s, i); i == len(s) {
				break
			}
		}
		next := a.table[at+uint(s[i])]
		if next == stateUnknown {
			next = a.step(at, rune(s[i]))
		}
		if next >= stateForeign {
			return next == stateMatches, next == stateMatches
		}
		at = uint(next - 1)
	}
	next := a.ends[at/stateRow]
	if next == stateUnknown {
		next = a.step(at, -1)
	}
	return next == stateMatches, true
}

// leave returns the place of the first byte of s, from place i on, that leads
// away from the first state: most do not, and none of these look-ups waits for
// another.
func (a *Automaton) leave(s string, i int) int {
	row := a.table[:stateRow]
	for i < len(s) && row[s[i]] == 1 {
		i++
	}
	return i
}

// step finds out what follows a state by a character, or, for -1, by the end of
// the text.
func (a *Automaton) step(at uint, c rune) uint16 {
	state := &a.states[at/stateRow]
	if a.mark++; a.mark == 0 {
		clear(a.seen)
		a.mark = 1
	}
	a.out = a.out[:0]
	holds := syntax.EmptyOpContext(state.before, c)
	matches := a.follow(uint32(a.prog.Start), holds, c)
	for _, pc := range state.waiting {
		matches = matches || a.follow(pc, holds, c)
	}
	if c < 0 {
		a.ends[at/stateRow] = stateFails
		if matches {
			a.ends[at/stateRow] = stateMatches
		}
		return a.ends[at/stateRow]
	}
	dropped, next := a.dropped, uint16(stateMatches)
	if !matches {
		next = a.state(a.kindOf(c)) + 1
	}
	if a.dropped == dropped {
		a.table[at+uint(c)] = next
	}
	return next
}

// kindOf returns a character that assertions take for the same as another.
// Package regexp/syntax, EmptyOpContext.
func (a *Automaton) kindOf(r rune) rune {
	switch {
	case !a.asserts:
		return -1
	case r == '\n':
		return r
	case syntax.IsWordChar(r):
		return 'a'
	}
	return ' '
}

// follow collects in out the instructions that wait once the character c has
// been read, from all that can be reached from one without reading. It reports
// whether the expression matches already.
func (a *Automaton) follow(pc uint32, holds syntax.EmptyOp, c rune) bool {
	a.stack = append(a.stack[:0], pc)
	for len(a.stack) > 0 {
		pc := a.stack[len(a.stack)-1]
		a.stack = a.stack[:len(a.stack)-1]
		if a.seen[pc] == a.mark {
			continue
		}
		a.seen[pc] = a.mark
		switch inst := &a.prog.Inst[pc]; inst.Op {
		case syntax.InstMatch:
			return true
		case syntax.InstAlt, syntax.InstAltMatch:
			a.stack = append(a.stack, inst.Arg, inst.Out)
		case syntax.InstCapture, syntax.InstNop:
			a.stack = append(a.stack, inst.Out)
		case syntax.InstEmptyWidth:
			if syntax.EmptyOp(inst.Arg)&^holds == 0 {
				a.stack = append(a.stack, inst.Out)
			}
		case syntax.InstRune, syntax.InstRune1, syntax.InstRuneAny, syntax.InstRuneAnyNotNL:
			if c >= 0 && consumes(inst, c) {
				a.out = append(a.out, inst.Out)
			}
		}
	}
	return false
}

// consumes reports whether an instruction matches a character.
func consumes(inst *syntax.Inst, r rune) bool {
	switch inst.Op {
	case syntax.InstRuneAny:
		return true
	case syntax.InstRuneAnyNotNL:
		return r != '\n'
	}
	return inst.MatchRune(r)
}

// begin makes the first state: nothing waits, and nothing came before.
func (a *Automaton) begin() {
	a.byKey = make(map[string]uint16)
	a.key = append(a.key[:0], 0xFF)
	a.add(automatonState{before: -1})
}

// state returns the place of the state in which the instructions in out wait,
// after a character of a kind.
func (a *Automaton) state(before rune) uint16 {
	slices.Sort(a.out)
	a.out = slices.Compact(a.out)
	a.setKey(before)
	if at, ok := a.byKey[string(a.key)]; ok {
		return at
	}
	if len(a.states) >= maxAutomatonStates {
		a.Forget()
		a.begin()
		a.setKey(before)
	}
	return a.add(automatonState{waiting: slices.Clone(a.out), before: before})
}

// setKey sets the key to that of a state.
func (a *Automaton) setKey(before rune) {
	a.key = append(a.key[:0], byte(before))
	for _, pc := range a.out {
		a.key = binary.LittleEndian.AppendUint32(a.key, pc)
	}
}

// add adds a state under the key, and returns its place.
func (a *Automaton) add(s automatonState) uint16 {
	at := uint16(len(a.table))
	a.byKey[string(a.key)] = at
	a.states, a.ends = append(a.states, s), append(a.ends, stateUnknown)
	a.table = append(a.table, make([]uint16, stateRow)...)
	for c := utf8.RuneSelf; c < stateRow; c++ {
		a.table[int(at)+c] = stateForeign
	}
	a.Size += stateSize + 8*len(s.waiting)
	a.made++
	return at
}
