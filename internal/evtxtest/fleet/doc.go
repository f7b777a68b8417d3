// Package fleet is a small deterministic model of Windows hosts that writes the
// event logs they would have written.
//
// A [Fleet] has hosts; a [Host] boots, starts and ends processes with real
// parent links, gives out process IDs and takes them back, has users with logon
// sessions and a clock, and goes about its business: services, scheduled tasks,
// agents, browsers, administrators, web applications that are compiled or call
// programs. Into this, scripts of processes ([Step]) are played: the incidents.
// Every process start and end goes to Sysmon's log, to the Security log or to
// both, as the host's [HostOptions] say, and so do the other events of its
// life.
//
// What was logged is written with package evtxtest as files of any style
// ([Host.Log], [Fleet.Write]). What really happened is in [Fleet.Processes]:
// the truth that a reader of the files is measured against. It comes from the
// model, never from the logs.
//
// A seed always gives the same bytes: nothing depends on the wall clock, on
// the machine or on the order of a map. All names, addresses and command lines
// are invented; no file holds anything executable.
//
// [Demo] is the fleet whose logs are shipped in testdata/logs. [Stream] writes
// logs of any size for benchmarks.
package fleet
