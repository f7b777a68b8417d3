package faults

import "webshellscan/internal/evtxtest"

// builtRows are logs whose chunk 1 holds records that no writer would write.
var builtRows = []Row{
	{ID: "F37", Name: "2,000 values nested in each other", Build: func() *Log {
		t := template(0, func(b *evtxtest.Builder) {
			b.Start("EventData")
			b.Close()
			b.Substitution(0, evtxtest.TypeBinXML)
			b.End()
		})
		var nest func(depth int) func(b *evtxtest.Builder)
		nest = func(depth int) func(b *evtxtest.Builder) {
			return func(b *evtxtest.Builder) {
				b.FragmentHeader()
				if depth == 0 {
					b.Instance(t, evtxtest.Null(0))
				} else {
					b.Instance(t, evtxtest.BinXML(nest(depth-1)))
				}
				b.EOF()
			}
		}
		return built(hostile(nest(2000)), "budget-exceeded")
	}},
	{ID: "F38", Name: "4,000 elements nested in each other", Build: func() *Log {
		t := template(0, func(b *evtxtest.Builder) {
			for range 4000 {
				b.Start("a")
				b.Close()
			}
			for range 4000 {
				b.End()
			}
		})
		return built(hostile(instance0(t)), "budget-exceeded")
	}},
	{ID: "F39", Name: "template that holds itself", Build: func() *Log {
		t := template(0, nil)
		t.Body = func(b *evtxtest.Builder) {
			b.Start("EventData")
			b.Close()
			b.InstanceHeader(0x11111100, b.Offset()-60)
			b.Values()
			b.End()
		}
		return built(hostile(instance0(t)), "budget-exceeded")
	}},
	{ID: "F40", Name: "template of 2,400 elements, used by every record", Build: func() *Log {
		t := template(0, func(b *evtxtest.Builder) {
			b.Start("Event")
			b.Close()
			for range 2400 {
				b.Start("b")
				b.Close()
				b.End()
			}
			b.End()
		})
		return built(func(w *evtxtest.Writer) error {
			for i := range 420 {
				if err := w.WriteRaw(uint64(Hostile+i), evtxtest.FileTimeOf(noon), instance0(t)); err != nil {
					return err
				}
			}
			return nil
		}, "time-implausible")
	}},
	{ID: "F52", Name: "value used ten times a level, 14 levels deep", Build: func() *Log {
		t := template(0, func(b *evtxtest.Builder) {
			b.Start("EventData")
			b.Close()
			for range 10 {
				b.Substitution(0, evtxtest.TypeBinXML)
			}
			b.End()
		})
		var nest func(depth int) func(b *evtxtest.Builder)
		nest = func(depth int) func(b *evtxtest.Builder) {
			return func(b *evtxtest.Builder) {
				b.FragmentHeader()
				v := evtxtest.String("ha")
				if depth > 0 {
					v = evtxtest.BinXML(nest(depth - 1))
				}
				b.Instance(t, v)
				b.EOF()
			}
		}
		return built(hostile(nest(14)), "budget-exceeded")
	}},
	{ID: "F53", Name: "text of 30 KB used 6,000 times", Build: func() *Log {
		t := template(0, func(b *evtxtest.Builder) {
			b.Start("EventData")
			b.Close()
			b.Start("Data")
			b.AttrText("Name", "CommandLine")
			b.Close()
			for range 6000 {
				b.Substitution(0, evtxtest.TypeString)
			}
			b.End()
			b.End()
		})
		text := make([]byte, 15_000)
		for i := range text {
			text[i] = 'x'
		}
		return built(hostile(func(b *evtxtest.Builder) {
			b.FragmentHeader()
			b.Instance(t, evtxtest.String(string(text)))
			b.EOF()
		}), "field-damaged")
	}},
	{ID: "F54", Name: "900 records with definitions that overlap", Build: func() *Log {
		t := template(0, func(b *evtxtest.Builder) {
			b.Start("Event")
			b.Close()
			for range 300 {
				b.Start("c")
				b.Close()
				b.End()
			}
			b.End()
		})
		l := built(func(w *evtxtest.Writer) error {
			for i := range 900 {
				if err := w.WriteRaw(uint64(Hostile+i), evtxtest.FileTimeOf(noon), instance0(t)); err != nil {
					return err
				}
			}
			return nil
		})
		for _, class := range []string{"budget-exceeded", "template-lost", "template-substituted", "time-implausible"} {
			l.expect(class, 0)
		}
		c := l.chunk(1)
		at := int(l.file.Chunks[1].Definitions[0].Offset)
		for i, r := range l.file.Chunks[1].Records[1:] {
			to := at + 4*i
			put32(c, int(r.ChunkOffset)+instance+2, get32(c, to+4))
			put32(c, int(r.ChunkOffset)+instance+6, uint32(to))
		}
		l.fix(1)
		return l
	}},
}

// template returns a template of a GUID that no other has.
func template(n byte, body func(b *evtxtest.Builder)) *evtxtest.Template {
	guid := evtxtest.MustGUID("{11111100-2222-3333-4444-555555555555}")
	guid[0] += n
	return &evtxtest.Template{GUID: guid, Body: body}
}

// instance0 writes an instance of a template without values.
func instance0(t *evtxtest.Template) func(b *evtxtest.Builder) {
	return func(b *evtxtest.Builder) {
		b.FragmentHeader()
		b.Instance(t)
		b.EOF()
	}
}

// hostile writes a Sysmon 1 with a payload of its own.
func hostile(write func(b *evtxtest.Builder)) func(w *evtxtest.Writer) error {
	return func(w *evtxtest.Writer) error {
		ev := event(0)
		ev.RecordID = Hostile
		ev.Payload = evtxtest.Payload{Form: evtxtest.FormRaw, Raw: write}
		return w.Write(&ev)
	}
}

// built returns a log with chunks 0 and 2 of the base and between them one that
// write writes.
func built(write func(w *evtxtest.Writer) error, classes ...string) *Log {
	l := base()
	l.lose(1, 0, records[1]-1)
	f, err := evtxtest.BuildFunc(evtxtest.Options{Filler: []byte{0xEE}}, func(w *evtxtest.Writer) error {
		if err := writeBase(w, 1); err != nil {
			return err
		}
		if err := write(w); err != nil {
			return err
		}
		w.EndChunk()
		for i := records[0] + records[1]; i < records[0]+records[1]+records[2]; i++ {
			ev := event(i)
			if err := w.Write(&ev); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		panic(err)
	}
	l.Data, l.file, l.Loose = f.Data, f, true
	for _, class := range classes {
		l.expect(class, 0)
	}
	return l
}
