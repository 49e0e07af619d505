use calendar::Date;
use ledger::{DayBounds, Field};

use super::*;

fn dialect() -> &'static Dialect {
    Dialect::usage_details("2019-10-01")
}

fn strict(text: &str) -> Result<ChargeFilter, FilterError> {
    parse(text, dialect(), Strictness::Strict).map(|parsed| {
        assert_eq!(parsed.ignored, Ignored::Nothing);
        parsed.filter
    })
}

fn as_original(text: &str) -> ParsedFilter {
    parse(text, dialect(), Strictness::AsOriginal).unwrap()
}

fn bounds(first: &str, last: &str) -> DayBounds {
    let day = |text: &str| (!text.is_empty()).then(|| text.parse::<Date>().unwrap());
    DayBounds { first: day(first), last: day(last) }
}

fn days(first: &str, last: &str) -> ChargeFilter {
    ChargeFilter { days: bounds(first, last), conditions: Vec::new() }
}

fn texts(conditions: &[(Field, Comparison, &str)]) -> ChargeFilter {
    let condition = |&(field, comparison, text): &(Field, Comparison, &str)| Condition::Text {
        field,
        comparison,
        text: text.to_owned(),
    };
    ChargeFilter { days: DayBounds::default(), conditions: conditions.iter().map(condition).collect() }
}

/// What the HTTP layer does to a query before a filter gets here.
fn decoded(query: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = query.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match (byte, after.split_at_checked(2)) {
            (b'%', Some((digits, after))) => {
                bytes.push(u8::from_str_radix(str::from_utf8(digits).unwrap(), 16).unwrap());
                rest = after;
            }
            (b'+', _) => bytes.push(b' '),
            _ => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).unwrap()
}

/// A filter is refused at a character, with a message that has these words.
fn assert_refused(text: &str, position: usize, words: &[&str]) {
    let error = strict(text).expect_err(text);
    let message = error.to_string();
    assert_eq!(error.position, position, "{text}: {message}");
    assert!(message.starts_with(&format!("$filter, character {position}: ")), "{message}");
    for word in words {
        assert!(message.contains(word), "{text}: {message} lacks {word}");
    }
}

mod forms_really_sent {
    use super::*;

    #[test]
    fn the_seed_bounds_usage_end_from_both_sides_by_day() {
        let text = "properties/usageEnd ge '2018-05-01' AND properties/usageEnd le '2018-06-15'";
        assert_eq!(strict(text), Ok(days("2018-05-01", "2018-06-15")));
    }

    #[test]
    fn usage_start_and_usage_end_with_and_in_lower_case() {
        let text = "properties/usageStart ge '2017-10-02' and properties/usageEnd le '2017-10-03'";
        assert_eq!(strict(text), Ok(days("2017-10-02", "2017-10-03")));
    }

    #[test]
    fn the_az_command_line_sends_instants() {
        // Usage of 1 November ends at 23:59:59 and so not before its midnight.
        let text = "properties/usageEnd ge '2017-10-01T00:00:00Z' and properties/usageEnd le '2017-11-01T00:00:00Z'";
        assert_eq!(strict(text), Ok(days("2017-10-01", "2017-10-31")));
    }

    #[test]
    fn plus_signs_for_blanks_and_escapes_of_slash_and_quote() {
        let plus = decoded("properties/usageStart+ge+'2017-07-01'+and+properties/usageStart+le+'2020-07-04'");
        assert_eq!(strict(&plus), Ok(days("2017-07-01", "2020-07-04")));
        let escaped =
            decoded("properties%2FusageEnd%20ge%20%272018-05-01%27+AND+properties%2fusageEnd+le+%272018-06-15%27");
        assert_eq!(strict(&escaped), Ok(days("2018-05-01", "2018-06-15")));
    }

    #[test]
    fn the_first_preview_knows_usage_end_without_prefix() {
        let first = Dialect::usage_details("2017-04-24-Preview");
        for text in ["usageEnd ge '2017-05-01'", "properties/usageEnd ge '2017-05-01'"] {
            let parsed = parse(text, first, Strictness::Strict).unwrap();
            assert_eq!(parsed.filter, days("2017-05-01", ""), "{text}");
        }
    }

    #[test]
    fn a_tag_is_a_key_and_a_value() {
        let tag = |key: &str, value: &str| ChargeFilter {
            days: DayBounds::default(),
            conditions: vec![Condition::Tag { key: key.to_owned(), value: value.to_owned() }],
        };
        assert_eq!(strict("tags eq 'env:prod'"), Ok(tag("env", "prod")));
        assert_eq!(strict("Tags EQ 'url:http://a''b'"), Ok(tag("url", "http://a'b")));
        assert_eq!(strict("tags eq 'it''s:'"), Ok(tag("it's", "")));
    }
}

#[test]
fn every_name_of_every_version_means_its_field() {
    let fields = [
        ("properties/resourceGroup", Field::ResourceGroup),
        ("properties/instanceName", Field::ResourceName),
        ("properties/instanceId", Field::ResourceId),
        ("properties/resourceName", Field::ResourceName),
        ("properties/resourceId", Field::ResourceId),
        ("properties/chargeType", Field::ChargeType),
        ("properties/reservationId", Field::ReservationId),
        ("properties/publisherType", Field::PublisherType),
    ];
    for version in ["2017-04-24-preview", "2017-11-30", "2018-03-31", "2019-01-01", "2019-10-01", "2024-08-01"] {
        for (name, field) in fields {
            for name in [name.to_owned(), name.to_uppercase(), name.to_lowercase()] {
                let text = format!("{name} eq 'Rg1'");
                let parsed = parse(&text, Dialect::usage_details(version), Strictness::Strict).unwrap();
                assert_eq!(parsed.filter, texts(&[(field, Comparison::Equal, "Rg1")]), "{version} {text}");
            }
        }
        let text = "properties/usageStart ge '2018-05-01' and properties/usageEnd le '2018-05-02' and tags eq 'a:b'";
        assert!(parse(text, Dialect::usage_details(version), Strictness::Strict).is_ok(), "{version}");
    }
}

#[test]
fn conditions_keep_their_order_and_quotes_are_undoubled() {
    let expected = texts(&[
        (Field::ResourceGroup, Comparison::Greater, "o'b"),
        (Field::ResourceGroup, Comparison::LessOrEqual, "((z and"),
        (Field::ChargeType, Comparison::Less, ""),
        (Field::ReservationId, Comparison::GreaterOrEqual, "ä"),
    ]);
    let text =
        "properties/resourceGroup gt 'o''b' aNd properties/resourceGroup LE '((z and'\tand properties/chargeType lt ''
        and properties/reservationId Ge 'ä'";
    assert_eq!(strict(text), Ok(expected));
}

#[test]
fn parentheses_around_conjunctions_change_nothing() {
    let expected =
        strict("properties/usageEnd ge '2018-05-01' and tags eq 'a:b' and properties/usageEnd le '2018-05-02'");
    assert!(expected.is_ok());
    for text in [
        "(properties/usageEnd ge '2018-05-01' and tags eq 'a:b' and properties/usageEnd le '2018-05-02')",
        "((properties/usageEnd ge '2018-05-01')and(tags eq 'a:b'))and(properties/usageEnd le '2018-05-02')",
        "properties/usageEnd ge '2018-05-01' and ( ( tags eq 'a:b' and (properties/usageEnd le '2018-05-02') ) )",
    ] {
        assert_eq!(strict(text), expected, "{text}");
    }
}

#[test]
fn dates_that_contradict_each_other_match_nothing() {
    for text in [
        "properties/usageEnd ge '2018-05-02' and properties/usageEnd le '2018-05-01'",
        "properties/usageEnd eq '2018-05-02' and properties/usageStart eq '2018-05-01'",
        "properties/usageEnd eq '2018-05-02T12:00:00Z'",
        "properties/usageStart eq '2018-05-02T12:00:00Z' and properties/usageStart ge '2018-05-01'",
        "properties/usageStart gt '9999-12-31'",
        "properties/usageEnd lt '1900-01-01'",
    ] {
        let days = strict(text).unwrap().days;
        assert!(days.first > days.last && days.last.is_some(), "{text}: {days:?}");
    }
}

#[test]
fn a_date_alone_compares_by_day_at_both_edges() {
    for name in ["properties/usageStart", "properties/usageEnd"] {
        for (operator, first, last) in [
            ("eq", "2018-05-01", "2018-05-01"),
            ("ge", "2018-05-01", ""),
            ("gt", "2018-05-02", ""),
            ("le", "", "2018-05-01"),
            ("lt", "", "2018-04-30"),
        ] {
            let text = format!("{name} {operator} '2018-05-01'");
            assert_eq!(strict(&text), Ok(days(first, last)), "{text}");
        }
    }
}

#[test]
fn times_are_read_in_utc_in_all_their_lengths() {
    for time in
        ["00:00", "00:00Z", "00:00:00", "00:00:00Z", "00:00:00.0000000Z", "00:00:00+00:00", "00:00:00.000000000"]
    {
        let text = format!("properties/usageStart eq '2018-05-01T{time}'");
        assert_eq!(strict(&text), Ok(days("2018-05-01", "2018-05-01")), "{text}");
    }
    let last = "properties/usageEnd le '2018-05-31T23:59:59Z'";
    assert_eq!(strict(last), Ok(days("", "2018-05-31")));
    let with_fraction = "properties/usageEnd le '2018-05-31T23:59:59.9999999Z'";
    assert_eq!(strict(with_fraction), Ok(days("", "2018-05-31")));
}

#[test]
fn a_row_starts_at_midnight_and_ends_a_second_before_the_next() {
    for (clause, first, last) in [
        ("usageStart lt '2018-05-31T00:00:00Z'", "", "2018-05-30"),
        ("usageStart lt '2018-05-31T00:00:00.1000000Z'", "", "2018-05-31"),
        ("usageStart ge '2018-05-31T00:00:01Z'", "2018-06-01", ""),
        ("usageStart le '2018-05-31T23:59:59Z'", "", "2018-05-31"),
        ("usageEnd eq '2018-05-31T23:59:59Z'", "2018-05-31", "2018-05-31"),
        ("usageEnd lt '2018-05-31T23:59:59Z'", "", "2018-05-30"),
        ("usageEnd lt '2018-05-31T23:59:59.1000000Z'", "", "2018-05-31"),
        ("usageEnd le '2018-05-31T23:59:58Z'", "", "2018-05-30"),
        ("usageEnd gt '2018-05-31T23:59:58.9999999Z'", "2018-05-31", ""),
        ("usageEnd gt '2018-05-31T23:59:59Z'", "2018-06-01", ""),
        ("usageEnd ge '2018-05-31T00:00:00Z'", "2018-05-31", ""),
    ] {
        assert_eq!(strict(&format!("properties/{clause}")), Ok(days(first, last)), "{clause}");
    }
}

#[test]
fn operators_that_the_api_lacks_are_refused_by_name() {
    assert_refused("properties/chargeType ne 'Usage'", 23, &["`ne` is not supported", "eq, lt, gt, le, ge"]);
    assert_refused("tags eq 'a:b' OR tags eq 'c:d'", 15, &["`OR` is not supported", "joined by and"]);
    assert_refused("not (tags eq 'a:b')", 1, &["`not` is not supported"]);
    assert_refused("tags eq 'a:b' and not tags eq 'c:d'", 19, &["`not` is not supported"]);
    assert_refused("(tags eq 'a:b' or tags eq 'c:d')", 16, &["`or` is not supported"]);
    assert_refused("properties/chargeType in ('Usage')", 23, &["expected eq, lt, gt, le or ge", "`in`"]);
    assert_refused("contains(properties/resourceId, 'a')", 1, &["functions such as `contains`"]);
}

#[test]
fn unknown_names_are_refused_with_the_known_ones() {
    assert_refused("properties/cost gt '1'", 1, &["`properties/cost`", "properties/usageStart", "tags"]);
    assert_refused("tags eq 'a:b' and usage ge '2018-05-01'", 19, &["`usage`"]);
    assert_refused("properties/tags eq 'a:b'", 1, &["`properties/tags`", "tags"]);
    assert_refused("properties/ eq 'a'", 1, &["`properties/`"]);
    assert_refused(&format!("{} eq 'a'", "ü".repeat(4000)), 1, &["ü…`"]);
}

#[test]
fn a_missing_prefix_or_missing_quotes_name_the_right_form() {
    assert_refused("usageEnd ge '2018-05-01'", 1, &["write properties/usageEnd"]);
    assert_refused("tags eq 'a:b' and USAGESTART ge 2018", 19, &["`USAGESTART`", "write properties/usageStart"]);
    assert_refused("resourceGroup eq 'a'", 1, &["write properties/resourceGroup"]);
    assert_refused("properties/usageEnd ge 2018-05-01", 24, &["write '2018-05-01'"]);
    assert_refused("properties/usageEnd ge \"2018-05-01\"", 24, &["lacks its quotes"]);
    assert_refused("tags eq a:b", 9, &["write 'a:b'"]);
    assert_refused("properties/usageEnd ge datetime'2018-05-01'", 24, &["lacks its quotes"]);
}

#[test]
fn malformed_filters_are_refused_at_the_character() {
    assert_refused("", 1, &["empty"]);
    assert_refused(" \t ", 1, &["empty"]);
    assert_refused("properties/usageEnd", 20, &["expected eq, lt, gt, le or ge, found the end"]);
    assert_refused("properties/usageEnd ge", 23, &["expected a value in single quotes, found the end"]);
    assert_refused("properties/usageEnd ge '2018-05-01' and", 40, &["expected a name", "found the end"]);
    assert_refused("properties/usageEnd ge '2018-05-01' properties/usageEnd", 37, &["expected `and`"]);
    assert_refused("properties/usageEnd ge '2018-05-01', tags eq 'a:b'", 36, &["expected `and`", "found `,`"]);
    assert_refused("and tags eq 'a:b'", 1, &["expected a name", "`and`"]);
    assert_refused("tags eq 'a:b' and and tags eq 'a:b'", 19, &["expected a name", "`and`"]);
    assert_refused("'2018-05-01' le properties/usageEnd", 1, &["expected a name", "the text '2018-05-01'"]);
    assert_refused("tags eq eq 'a:b'", 9, &["`eq` lacks its quotes"]);
    assert_refused("tags eq 'a:b", 9, &["not closed"]);
    assert_refused("tags eq 'ä:b' and tags eq 'ö''", 27, &["not closed"]);
    assert_refused("tags 'a:b'", 6, &["expected eq, lt, gt, le or ge"]);
    assert_refused("(tags eq 'a:b'", 1, &["parenthesis that opens here"]);
    assert_refused("(tags eq 'a:b') and ((tags eq 'a:b')", 21, &["parenthesis that opens here"]);
    assert_refused("tags eq 'a:b')", 14, &["no parenthesis is open"]);
    assert_refused("()", 2, &["expected a name", "`)`"]);
    assert_refused("(tags eq 'a:b' 'c')", 16, &["expected `and` or `)`"]);
    assert_refused("tags eq ('a:b')", 9, &["expected a value", "`(`"]);
    assert_refused("tags\u{a0}eq 'a:b'", 1, &["cannot be filtered by"]);
}

#[test]
fn dates_are_refused_at_the_character() {
    let at = |date: &str, offset: usize, words: &[&str]| {
        assert_refused(&format!("properties/usageEnd ge '{date}'"), 25 + offset, words);
    };
    at("", 0, &["expected a digit, found the end", "'2018-05-01T00:00:00Z'"]);
    at("2018", 4, &["expected `-`, found the end"]);
    at("2018/05/01", 4, &["expected `-`, found `/`"]);
    at("2018-5-1", 6, &["expected a digit, found `-`"]);
    at("01.05.2018", 2, &["expected a digit, found `.`"]);
    at("2018-05-0ä", 9, &["found `ä`"]);
    at("2018-05-0''", 9, &["found `'`"]);
    at("2018-05-01 00:00:00", 10, &["expected `T` or the closing quote", "found ` `"]);
    at("2018-05-01T", 11, &["expected a digit"]);
    at("2018-05-01T00", 13, &["expected `:`"]);
    at("2018-05-01T00:00:00.", 20, &["expected a digit"]);
    at("2018-05-01T00:00:00.0123456789Z", 29, &["expected `Z`", "found `9`"]);
    at("2018-05-01T00:00.5Z", 16, &["expected `Z`", "found `.`"]);
    at("2018-05-01T00:00:00z", 19, &["expected `Z`", "found `z`"]);
    at("2018-05-01T00:00:00ZZ", 20, &["expected the closing quote, found `Z`"]);
    at("2018-05-01T00:00:00+02:00", 19, &["written in UTC"]);
    at("2018-05-01T00:00:00-08:00", 19, &["written in UTC"]);
    at("2018-05-01T00:00:00 00:00", 19, &["written in UTC", "%2B"]);
    at("2018-02-30", 0, &["date 2018-02-30 does not exist"]);
    at("0001-01-01", 0, &["year 1 is outside 1900..=9999"]);
    at("2018-05-01T24:00:00Z", 11, &["24:00:00 does not exist"]);
    at("2018-05-01T23:59:60Z", 11, &["23:59:60 does not exist"]);
}

#[test]
fn tags_are_refused_in_any_other_form() {
    assert_refused("tags ge 'a:b'", 6, &["eq only", "`ge`"]);
    assert_refused("tags eq 'ab'", 9, &["'key:value'", "'ab'"]);
    assert_refused("tags eq ':b'", 9, &["'key:value'"]);
    assert_refused("tags eq ' :b'", 9, &["'key:value'"]);
    assert_refused("tags eq ''", 9, &["'key:value'"]);
}

#[test]
fn filters_are_bounded() {
    let clauses = |count: usize| vec!["tags eq 'a:b'"; count].join(" and ");
    assert_eq!(strict(&clauses(CLAUSES_MAX)).unwrap().conditions.len(), CLAUSES_MAX);
    let position = clauses(CLAUSES_MAX).len() + " and ".len() + 1;
    assert_refused(&clauses(CLAUSES_MAX + 1), position, &["more than 64 comparisons"]);
    let padded = |size: usize| format!("tags eq 'a:{}'", "b".repeat(size - "tags eq 'a:'".len()));
    assert!(strict(&padded(OPTION_BYTES_MAX)).is_ok());
    assert_refused(&padded(OPTION_BYTES_MAX + 1), 1, &["longer than 8192 bytes"]);
    assert_refused(&"(".repeat(OPTION_BYTES_MAX), OPTION_BYTES_MAX + 1, &["expected a name"]);
    let deep = format!("{}tags eq 'a:b'{}", "(".repeat(4000), ")".repeat(4000));
    assert!(strict(&deep).is_ok());
}

mod as_the_original {
    use super::*;

    fn assert_ignores(text: &str, expected: ChargeFilter, positions: &[usize]) {
        let parsed = as_original(text);
        assert_eq!(parsed.filter, expected, "{text}");
        let Ignored::Clauses(faults) = parsed.ignored else { panic!("{text}: {:?}", parsed.ignored) };
        let found: Vec<_> = faults.iter().map(|fault| fault.position).collect();
        assert_eq!(found, positions, "{text}");
    }

    #[test]
    fn a_clause_without_prefix_is_ignored_and_named() {
        assert_ignores("usageEnd ge '2018-05-01'", ChargeFilter::default(), &[1]);
        let text = "usageStart ge '2018-05-01' and properties/usageEnd le '2018-05-31'";
        assert_ignores(text, days("", "2018-05-31"), &[1]);
    }

    #[test]
    fn a_clause_without_quotes_is_ignored_and_named() {
        let text = "properties/usageStart ge 2018-05-01 AND properties/usageEnd le 2018-05-31";
        assert_ignores(text, ChargeFilter::default(), &[26, 64]);
        let text = "(properties/usageStart ge 2018-05-01T00:00:00Z) AND properties/usageEnd le '2018-05-31'";
        assert_ignores(text, days("", "2018-05-31"), &[27]);
    }

    #[test]
    fn a_malformed_filter_is_ignored_as_a_whole_and_named() {
        for text in [
            "",
            "properties/usageEnd ge '2018-05-01' or properties/usageEnd le '2018-05-31'",
            "properties/usageEnd ge '2018-05-01' and properties/usageEnd le '2018-02-31'",
            "properties/usageEnd ge '2018-05-01' and cost gt '1'",
            "properties/usageEnd ge '2018-05-01' and (tags eq 'a:b'",
            "usageEnd ge '2018-05-01' and properties/usageEnd",
        ] {
            let parsed = as_original(text);
            assert!(parsed.filter.is_empty(), "{text}");
            assert!(matches!(parsed.ignored, Ignored::Everything(_)), "{text}: {:?}", parsed.ignored);
        }
    }

    #[test]
    fn a_right_filter_counts_in_full() {
        let text = "properties/usageEnd ge '2018-05-01' and tags eq 'a:b'";
        let parsed = as_original(text);
        assert_eq!(parsed.ignored, Ignored::Nothing);
        assert_eq!(Ok(parsed.filter), strict(text));
    }
}
