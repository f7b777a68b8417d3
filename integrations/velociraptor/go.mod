module webshellscan/integrations/velociraptor

go 1.26.0

require (
	github.com/Velocidex/ordereddict v0.0.0-20250821063524-02dc06e46238
	github.com/Velocidex/yaml/v2 v2.2.8
	www.velocidex.com/golang/vfilter v0.0.0-20260325003227-469fc60d0e45
)

require (
	github.com/Velocidex/json v0.0.0-20220224052537-92f3c0326e5a // indirect
	github.com/alecthomas/participle v0.7.1 // indirect
	github.com/alecthomas/repr v0.3.0 // indirect
	github.com/pkg/errors v0.9.1 // indirect
	golang.org/x/text v0.14.0 // indirect
)
