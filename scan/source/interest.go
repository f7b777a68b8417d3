package source

import (
	"bytes"
	"path"
	"strings"
)

// kindServerConfig is the configuration of a web server or of a site.
var kindServerConfig = Kind{"a configuration of a web server", ClassArtifact}

// ServerConfigs selects the files that configure web servers.
func ServerConfigs() []Wanted {
	return []Wanted{AppHostConfig(), {kindServerConfig, isServerConfig, isConfigName, isConfigPath}}
}

// AppHostConfig selects the configurations of IIS, older states of them too.
func AppHostConfig() Wanted {
	return Wanted{KindAppHostConfig, isAppHostConfig, isConfigName, isConfigPath}
}

// appHostConfig is the name of the configuration of IIS, in lower case.
const appHostConfig = "applicationhost.config"

// serverConfigs are the names of configurations, in lower case, and what one of
// their first bytes must have.
var serverConfigs = map[string]string{
	appHostConfig: "<configuration", "administration.config": "<configuration", "web.config": "<configuration",
	"httpd.conf": "", "nginx.conf": "", "server.xml": "<Server",
}

// isConfigName reports whether a name in lower case is that of a configuration.
func isConfigName(name string) bool {
	_, ok := serverConfigs[name]
	return ok
}

func isConfigPath(file string) bool { return isConfigName(path.Base(file)) }

// isServerConfig reports whether a file is called as configurations of web
// servers are, and looks like one.
func isServerConfig(prefix []byte, name string) bool {
	mark, ok := serverConfigs[strings.ToLower(path.Base(name))]
	return ok && looksLikeText(bytes.TrimPrefix(prefix, []byte("\xEF\xBB\xBF"))) && bytes.Contains(prefix, []byte(mark))
}

// isAppHostConfig reports whether a file is called applicationHost.config and
// is XML with the root element of one.
func isAppHostConfig(prefix []byte, name string) bool {
	return strings.EqualFold(path.Base(name), appHostConfig) && bytes.Contains(prefix, []byte(serverConfigs[appHostConfig]))
}
