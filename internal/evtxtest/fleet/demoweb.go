package fleet

import "time"

// demoVisits is how often somebody asks for a page of the demonstration's
// servers.
const demoVisits = 40 * time.Second

// portalServer is IIS with two sites, each in a pool of its own.
func portalServer() *WebServer {
	return &WebServer{Format: WebIIS, Visits: demoVisits, Sites: []Site{
		{
			ID: "1", Name: "Intranet", Path: `C:\inetpub\intranet`, Pools: []PoolPath{{"/", "Intranet"}},
			Pages: []Page{{Method: "GET", URI: "/", Took: 300 * time.Millisecond}, {Method: "GET", URI: "/news.aspx", Took: 500 * time.Millisecond}},
		},
		{
			ID: portalSite, Name: "Portal", Path: `C:\inetpub\portal`, Pools: []PoolPath{{"/", "CustomerPortal"}},
			Pages: []Page{
				{Method: "GET", URI: "/", Took: 200 * time.Millisecond},
				{Method: "GET", URI: "/home", Took: 700 * time.Millisecond},
				{Method: "POST", URI: "/login.aspx", Took: 900 * time.Millisecond, Status: 302},
				{Method: "GET", URI: "/orders.aspx", Query: "page=1", Took: 1500 * time.Millisecond},
				{Method: "GET", URI: "/content/site.css", Took: 20 * time.Millisecond, Status: 304},
				{Method: "GET", URI: "/scripts/app.js", Took: 30 * time.Millisecond},
				{Method: "POST", URI: "/upload.aspx", Query: "step=1&return=%2fhome", Took: 2 * time.Second, Status: 302},
				{Method: "GET", URI: "/wp-login.php", Took: 10 * time.Millisecond, Status: 404},
			},
		},
	}}
}

// mailServer is IIS with the applications of Exchange.
func mailServer() *WebServer {
	return &WebServer{Format: WebIIS, Visits: demoVisits, Sites: []Site{{
		ID: mailSite, Name: "Default Web Site", Path: `C:\inetpub\wwwroot`,
		Pools: []PoolPath{
			{"/", "DefaultAppPool"},
			{"/owa", "MSExchangeOWAAppPool"},
			{"/ecp", "MSExchangeECPAppPool"},
			{"/autodiscover", "MSExchangeAutodiscoverAppPool"},
		},
		Pages: []Page{
			{Method: "GET", URI: "/owa/", Took: 400 * time.Millisecond},
			{Method: "POST", URI: "/owa/service.svc", Query: "action=GetItem", Took: 900 * time.Millisecond},
			{Method: "POST", URI: "/owa/auth.owa", Took: 700 * time.Millisecond, Status: 302},
			{Method: "GET", URI: "/ecp/default.aspx", Took: 1200 * time.Millisecond},
			{Method: "POST", URI: "/autodiscover/autodiscover.xml", Took: 300 * time.Millisecond, Status: 401},
			{Method: "POST", URI: "/ews/exchange.asmx", Took: 500 * time.Millisecond},
		},
	}}}
}

// tomcatServer is Tomcat with one application, an hour ahead of UTC.
func tomcatServer() *WebServer {
	return &WebServer{Format: WebTomcat, Zone: time.Hour, Visits: demoVisits, Sites: []Site{{Pages: []Page{
		{Method: "GET", URI: "/harbor/", Took: 60 * time.Millisecond},
		{Method: "GET", URI: "/harbor/berths.jsp", Took: 800 * time.Millisecond},
		{Method: "POST", URI: "/harbor/login.do", Took: 400 * time.Millisecond, Status: 302},
		{Method: "GET", URI: "/harbor/static/map.js", Took: 15 * time.Millisecond},
		{Method: "GET", URI: "/manager/html", Took: 8 * time.Millisecond, Status: 401},
	}}}}
}

// apacheServer is Apache with PHP, an hour ahead of UTC.
func apacheServer() *WebServer {
	return &WebServer{Format: WebApache, Zone: time.Hour, Visits: demoVisits, Sites: []Site{{Pages: []Page{
		{Method: "GET", URI: "/", Took: 90 * time.Millisecond},
		{Method: "GET", URI: "/shop/", Took: 300 * time.Millisecond},
		{Method: "GET", URI: "/shop/item.php", Query: "id=114", Took: 400 * time.Millisecond},
		{Method: "POST", URI: "/shop/basket.php", Took: 500 * time.Millisecond, Status: 302},
		{Method: "GET", URI: "/media/logo.png", Took: 10 * time.Millisecond, Status: 304},
	}}}}
}

// demoWebFiles returns the logs of web servers that are shipped, and the
// configurations of IIS.
func demoWebFiles(hosts demoHostSet, at func(hour, minute int) time.Time) []File {
	f := hosts.web1.fleet
	log := func(path string, h *Host, site string) File {
		return f.WriteWeb(WebLogSpec{Path: path, Host: h, Site: site, From: at(8, 0), To: at(12, 0)})
	}
	return []File{
		{Path: "WEB01/inetsrv/config/applicationHost.config", Data: hosts.web1.WebConfig()},
		log("WEB01/inetpub/logs/LogFiles/W3SVC1/u_ex240311.log", hosts.web1, "1"),
		log("WEB01/inetpub/logs/LogFiles/W3SVC2/u_ex240311.log", hosts.web1, portalSite),
		log("WEB02/tomcat9/logs/localhost_access_log.2024-03-11.txt", hosts.web2, ""),
		{Path: "MAIL01/inetsrv/config/applicationHost.config", Data: hosts.mail.WebConfig()},
		log("MAIL01/inetpub/logs/LogFiles/W3SVC1/u_ex240311.log", hosts.mail, mailSite),
		log("APP01/Apache24/logs/access.log", hosts.app, ""),
	}
}
