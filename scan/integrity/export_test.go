package integrity

import "webshellscan/scan/evtx"

// FaultDetail says in words what a fault is and where.
func FaultDetail(f *evtx.FormatError) string { return faultDetail(f) }
