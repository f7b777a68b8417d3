package fleet

import (
	"container/heap"
	"time"

	"webshellscan/internal/evtxtest"
)

// action is something that a host will do.
type action struct {
	at  evtxtest.FileTime
	seq int // order of actions of the same time
	do  func()
}

// queue is a heap of actions, the next one first.
type queue struct {
	actions []action
	seq     int
}

// Len implements sort.Interface.
func (q *queue) Len() int { return len(q.actions) }

// Less implements sort.Interface.
func (q *queue) Less(i, j int) bool {
	a, b := &q.actions[i], &q.actions[j]
	return a.at < b.at || a.at == b.at && a.seq < b.seq
}

// Swap implements sort.Interface.
func (q *queue) Swap(i, j int) { q.actions[i], q.actions[j] = q.actions[j], q.actions[i] }

// Push implements heap.Interface.
func (q *queue) Push(x any) { q.actions = append(q.actions, x.(action)) }

// Pop implements heap.Interface.
func (q *queue) Pop() any {
	last := q.actions[len(q.actions)-1]
	q.actions[len(q.actions)-1] = action{}
	q.actions = q.actions[:len(q.actions)-1]
	return last
}

// At makes the host do something at a time of its clock. What it does may call
// any method of the host.
func (h *Host) At(t time.Time, do func(*Host)) {
	h.schedule(evtxtest.FileTimeOf(t), func() { do(h) })
}

func (h *Host) schedule(at evtxtest.FileTime, do func()) {
	if h.rng == h.spare {
		now := do
		do = func() { h.aside(now) }
	}
	h.queue.seq++
	heap.Push(&h.queue, action{at, h.queue.seq, do})
}

// after makes the host do something a while from now.
func (h *Host) after(d time.Duration, do func()) { h.schedule(h.now.Add(d), do) }

// every makes the host do something again and again, in intervals of half to
// one and a half times mean, until the next boot.
func (h *Host) every(mean time.Duration, do func()) {
	mean = max(time.Duration(float64(mean)/h.options.Noise), time.Millisecond)
	boot := h.boots
	var again func()
	again = func() {
		if h.boots != boot || !h.up {
			return
		}
		do()
		h.after(h.between(mean/2, mean*3/2), again)
	}
	h.after(h.between(mean/10, mean), again)
}

// Run runs the host until its clock shows t.
func (h *Host) Run(t time.Time) {
	until := evtxtest.FileTimeOf(t)
	for h.queue.Len() > 0 && h.queue.actions[0].at <= until {
		h.step()
	}
	h.now = max(h.now, until)
}

// step does the next action.
func (h *Host) step() {
	a := heap.Pop(&h.queue).(action)
	h.now = max(h.now, a.at)
	a.do()
}
