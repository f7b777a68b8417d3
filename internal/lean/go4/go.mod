module go4.org

go 1.26.0
