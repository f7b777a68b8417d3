package faults

import "webshellscan/internal/evtxtest"

// tamperRows are forgeries.
var tamperRows = []Row{
	{ID: "F45", Name: "record merged into the one before it", Make: func(l *Log) {
		l.merge(victim)
		l.Hidden = []uint64{id(1, victim+1)}
		l.expect("record-hidden", l.at(1, victim+1))
	}},
	{ID: "F45b", Name: "two records merged into the one before them", Make: func(l *Log) {
		a := l.place(1, victim)
		joined := a.Size + l.place(1, victim+1).Size + l.place(1, victim+2).Size
		put32(l.record(1, victim), 4, joined)
		put32(l.chunk(1), int(a.ChunkOffset+joined)-4, joined)
		l.fix(1)
		l.Hidden = []uint64{id(1, victim+1), id(1, victim+2)}
		l.expect("record-hidden", l.at(1, victim+1))
		l.expect("record-hidden", l.at(1, victim+2))
	}},
	{ID: "F46", Name: "merged record zeroed", Make: func(l *Log) {
		l.merge(victim)
		l.zero(victim + 1)
		l.expect("record-hidden", l.at(1, victim))
		l.expectHave("id-gap", l.at(1, victim+2), 1)
	}},
	{ID: "F46b", Name: "merged record zeroed, the ones behind it renumbered", Make: func(l *Log) {
		l.merge(victim)
		l.zero(victim + 1)
		l.renumber(victim + 2)
		l.expect("record-hidden", l.at(1, victim))
	}},
	{ID: "F46c", Name: "first record of a chunk swallowed by its definition", Make: func(l *Log) {
		// The second record's values are read in place of the first
		// one's.
		a, next := l.place(1, 0), l.place(1, 1)
		joined := a.Size + next.Size
		put32(l.record(1, 0), 4, joined)
		put32(l.chunk(1), int(a.ChunkOffset+joined)-4, joined)
		def := int(a.Instances[0].Definition)
		put32(l.chunk(1), def+20, next.Instances[0].Spec-uint32(def)-24)
		l.fix(1)
		l.Hidden = []uint64{id(1, 1)}
		l.expect("record-hidden", l.at(1, 1))
	}},
	{ID: "F46d", Name: "record jumped over by PI data", Make: func(l *Log) {
		a, next := l.place(1, victim), l.place(1, victim+1)
		joined := a.Size + next.Size
		b := l.chunk(1)[a.ChunkOffset:]
		put32(b, 4, joined)
		put32(b, int(joined)-4, joined)
		jump(b, int(a.Size)+recordHead)
		l.fix(1)
		l.lose(1, victim, victim)
		l.expect("record-hidden", l.at(1, victim))
		l.expectHave("id-gap", l.at(1, victim+2), 1)
	}},
	{ID: "F49", Name: "record taken out, the hole closed", Make: func(l *Log) {
		l.IDs = l.IDs[:0]
		gone := records[0] + victim
		f, err := evtxtest.BuildFunc(evtxtest.Options{Filler: []byte{0xEE}}, func(w *evtxtest.Writer) error {
			i := 0
			for _, n := range records {
				for range n {
					if ev := event(i); i != gone {
						l.IDs = append(l.IDs, ev.RecordID)
						if err := w.Write(&ev); err != nil {
							return err
						}
					}
					i++
				}
				w.EndChunk()
			}
			return nil
		})
		if err != nil {
			panic(err)
		}
		l.Data, l.file = f.Data, f
		l.expectHave("id-gap", l.at(1, victim), 1)
	}},
	{ID: "F59", Name: "exported log", Build: func() *Log {
		l := base()
		l.file = build(evtxtest.Options{Style: evtxtest.StyleExported, Filler: []byte{0xEE}})
		l.Data = l.file.Data
		l.expectHave("export-fingerprint", 0, 84)
		return l
	}},
	{ID: "F58", Name: "forwarded log", Build: func() *Log {
		l := base()
		l.file = build(evtxtest.Options{Style: evtxtest.StyleForwarded})
		l.Data = l.file.Data
		l.Changed = append(l.Changed, l.IDs...) // text in place of numbers
		return l
	}},
	{ID: "F60", Name: "log cleared", Build: func() *Log {
		l := base()
		f, err := evtxtest.BuildFunc(evtxtest.Options{}, func(w *evtxtest.Writer) error {
			ev := evtxtest.NewEvent(noon, "WEB01.corp.example", &evtxtest.SecurityLogCleared{Subject: evtxtest.Account{Name: "mallory"}})
			ev.RecordID = FirstID - 1
			if err := w.Write(&ev); err != nil {
				return err
			}
			return writeBase(w, len(records))
		})
		if err != nil {
			panic(err)
		}
		l.Data, l.file = f.Data, f
		return l
	}},
	{ID: "F60b", Name: "clock set back", Build: func() *Log {
		l := base()
		f, err := evtxtest.BuildFunc(evtxtest.Options{Filler: []byte{0xEE}}, func(w *evtxtest.Writer) error {
			for i := range l.IDs {
				ev := event(i)
				if i >= 20 {
					ev.Time -= 36_000_000_000 // an hour
				}
				if err := w.Write(&ev); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			panic(err)
		}
		l.Data, l.file = f.Data, f
		l.Changed = l.IDs[20:]
		l.expect("time-backwards", l.at(0, 20))
		return l
	}},
}

// merge adds the size of the record behind record k of chunk 1 to record k.
func (l *Log) merge(k int) {
	a, b := l.place(1, k), l.place(1, k+1)
	joined := a.Size + b.Size
	put32(l.chunk(1), int(a.ChunkOffset)+4, joined)
	put32(l.chunk(1), int(a.ChunkOffset+joined)-4, joined)
	l.fix(1)
}

// zero overwrites record k of chunk 1 but for its last 4 bytes.
func (l *Log) zero(k int) {
	b := l.record(1, k)
	clear(b[:len(b)-4])
	l.fix(1)
	l.lose(1, k, k)
}

// renumber subtracts 1 from the identifiers of record k of chunk 1 and of all
// that follow it, in headers and values, as a deleted record would leave them.
func (l *Log) renumber(k int) {
	for i := 1; i < len(records); i++ {
		for ; k < records[i]; k++ {
			r := l.place(i, k)
			put64(l.chunk(i), int(r.ChunkOffset)+8, r.ID-1)
			put64(l.chunk(i), int(r.Instances[0].Values[10]), r.ID-1)
		}
		k = 0
		c := l.chunk(i)
		if i > 1 {
			put64(c, 8, get64(c, 8)-1)
			put64(c, 24, get64(c, 24)-1)
		}
		put64(c, 16, get64(c, 16)-1)
		put64(c, 32, get64(c, 32)-1)
		l.fix(i)
	}
	put64(l.Data, 24, get64(l.Data, 24)-1)
	evtxtest.FixFile(l.Data)
	l.IDs = l.IDs[:0]
	for i := range records[0] + records[1] + records[2] - 1 {
		l.IDs = append(l.IDs, uint64(FirstID+i))
	}
	l.Changed = l.IDs[records[0]+victim+1:]
}

// jump writes PI data from the start of a record's BinXML up to an offset, as
// the attack tool does it: an empty one first if the rest would be odd.
func jump(b []byte, to int) {
	at := recordHead
	if (to-at-3)%2 != 0 {
		b[at], b[at+1], b[at+2] = 0x0B, 0, 0
		at += 3
	}
	b[at] = 0x0B
	put16(b, at+1, uint16((to-at-3)/2))
}
