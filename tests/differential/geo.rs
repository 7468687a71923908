//! Requests about places: fixed ones, so that no two are equally far from a third. A stored distance is never shown:
//! Debian's Redis prints more digits of it. Nor do places get into keys whose scores other requests do sums with.

/// Some of the places, and one that is none.
pub const PLACES: &[&str] = &[
    "palermo", "catania", "paris", "london", "rome", "oslo", "sydney", "suva", "apia", "nowhere",
];
/// Points to start from, as longitudes or latitudes alike.
pub const DEGREES: &[&str] = &["0", "13.4", "37.5", "-60", "50", "179.9", "-85", "200", "x"];
/// Lengths in any unit.
pub const LENGTHS: &[&str] = &[
    "0", "1", "100", "300", "1500", "5000", "20000", "1e6", "-1", "x",
];
/// Units.
pub const UNITS: &[&str] = &["m", "km", "KM", "ft", "mi", "miles"];

pub const TEMPLATES: &[&str] = &[
    "GEOADD geo 13.361389 38.115556 palermo 15.087269 37.502669 catania",
    "GEOADD geo [$X] [CH] 2.3488 48.8534 paris -0.1257 51.5085 london",
    "GEOADD geo [CH] 12.4964 41.9028 rome 10.7522 59.9139 oslo 24.9384 60.1699 helsinki",
    "GEOADD geo 151.2093 -33.8688 sydney 178.4419 -18.1416 suva -171.7514 -13.8333 apia",
    "GEOADD geo -74.006 40.7128 newyork -43.1729 -22.9068 rio -68.3030 -54.8019 ushuaia",
    "GEOADD geo 15.6356 78.2253 longyearbyen -16.9203 64.1 far 139.6917 35.6895 tokyo",
    "GEOADD bits $DEGREE $DEGREE $PLACE",
    "GEOADD geo NX XX 1 1 a",
    "GEOADD geo 1 1",
    "GEOADD geo 1 1 a 2",
    "ZREM geo $PLACE $PLACE",
    "DEL geo",
    "GEOPOS geo $PLACE $PLACE",
    "GEOPOS $K $M $M",
    "GEOHASH geo $PLACE $PLACE",
    "GEOHASH $K $M",
    "GEODIST geo $PLACE $PLACE",
    "GEODIST geo $PLACE $PLACE $UNIT",
    "GEODIST $K $M $M",
    "GEOSEARCH geo FROMLONLAT $DEGREE $DEGREE BYRADIUS $LENGTH $UNIT",
    "GEOSEARCH geo FROMLONLAT $DEGREE $DEGREE BYRADIUS $LENGTH km [WITHCOORD] [WITHDIST] [WITHHASH]",
    "GEOSEARCH geo FROMLONLAT $DEGREE $DEGREE BYBOX $LENGTH $LENGTH km [WITHDIST] [ASC]",
    "GEOSEARCH geo FROMMEMBER palermo BYRADIUS $LENGTH km [WITHDIST] [DESC]",
    "GEOSEARCH geo FROMMEMBER $PLACE BYBOX $LENGTH $LENGTH $UNIT [COUNT] $I [ANY]",
    "GEOSEARCH geo FROMMEMBER paris BYRADIUS 20000 km COUNT $I [ANY] [WITHDIST]",
    "GEOSEARCH geo FROMMEMBER oslo BYBOX 20000 4000 km COUNT 3 [ANY] [DESC]",
    "GEOSEARCH geo FROMMEMBER oslo FROMLONLAT 1 1 BYRADIUS 1 m",
    "GEOSEARCH $K FROMMEMBER $M BYRADIUS $LENGTH $UNIT",
    "GEOSEARCH geo BYRADIUS 1 km ASC ASC ASC",
    "GEOSEARCHSTORE near geo FROMMEMBER rome BYRADIUS $LENGTH km [ASC] COUNT 4",
    "GEOSEARCHSTORE near geo FROMLONLAT $DEGREE $DEGREE BYBOX $LENGTH $LENGTH km",
    "GEOSEARCHSTORE far geo FROMMEMBER $PLACE BYRADIUS $LENGTH km STOREDIST",
    "GEOSEARCHSTORE bits geo FROMMEMBER $PLACE BYRADIUS $LENGTH km",
    "GEOSEARCHSTORE near $K FROMMEMBER $M BYRADIUS $LENGTH km",
    "GEOSEARCHSTORE near geo FROMMEMBER rome BYRADIUS $LENGTH km WITHDIST",
    "ZRANGE near 0 -1 WITHSCORES",
    "ZRANGE far 0 -1",
    "GEORADIUS geo $DEGREE $DEGREE $LENGTH $UNIT",
    "GEORADIUS geo 13 37 $LENGTH km [WITHDIST] [COUNT] $I",
    "GEORADIUS geo 13 37 $LENGTH km [STORE] near",
    "GEORADIUS geo 13 37 $LENGTH km STORE near STOREDIST far [ANY]",
    "GEORADIUS $K 13 37 $LENGTH km STORE near [WITHHASH]",
    "GEORADIUS_RO geo 13 37 $LENGTH mi [WITHCOORD]",
    "GEORADIUS_RO geo 13 37 $LENGTH km STORE near",
    "GEORADIUSBYMEMBER geo $PLACE $LENGTH $UNIT [WITHDIST] [DESC]",
    "GEORADIUSBYMEMBER geo catania $LENGTH km STOREDIST far",
    "GEORADIUSBYMEMBER_RO geo $PLACE $LENGTH $UNIT [WITHHASH] [ASC]",
    "GEORADIUSBYMEMBER $K $M $LENGTH km",
];
