// Package evtxtest writes EVTX files for tests and benchmarks: valid ones, and,
// since it checks nothing that it is told to write, broken ones.
//
// An event is described in the words of Windows (provider, event ID, channel,
// named values) and written in one of the three shapes that real logs hold (see
// [Shape]), with the identifiers and times of one of the four kinds of log (see
// [Style]). Constructors for the events around processes are in this package
// too: [SysmonProcessCreate], [ProcessCreated] and so on.
//
//	f, err := evtxtest.Build(evtxtest.Options{}, []evtxtest.Event{
//		evtxtest.NewEvent(start, "WEB01.harbor.example", &evtxtest.SysmonProcessCreate{
//			ProcessID: 4712, Image: `C:\Windows\System32\cmd.exe`, CommandLine: "cmd.exe /c ver",
//		}),
//	})
//
// [Build] keeps the file in memory together with the place of every chunk,
// record, template instance, value and name in it, so that a test can damage
// one of them and have the checksums recomputed:
//
//	r := f.Chunks[1].Records[5]
//	binary.LittleEndian.PutUint32(f.Data[r.Offset+4:], 0) // a record of size 0
//	f.FixChunk(1)
//
// What cannot be made by changing bytes afterwards is written token by token
// with a [Builder], which [Writer.WriteRaw], [Payload.Raw] and [BinXML] hand
// out. [Writer] streams to an io.Writer and keeps one chunk in memory, for logs
// of many gigabytes.
//
// The package depends on nothing of the reader it is used to test and shares no
// code with it. Facts about the format come from [MS-EVEN6] 2.2.12, from the
// libevtx documentation ("Windows XML Event Log (EVTX) format") and from
// measurements on public sample logs.
//
// [MS-EVEN6]: https://learn.microsoft.com/en-us/openspecs/windows_protocols/ms-even6/
package evtxtest
