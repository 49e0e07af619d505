//! Currencies: an enrollment has one, and every amount of the enrollment is in it (SEMANTICS 1).

use std::fmt;
use std::str::FromStr;

use crate::error::MoneyError;

/// An ISO 4217 currency code. Any three letters are accepted, whether assigned or not: the source decides.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency {
    /// Upper-case ASCII letters.
    code: [u8; 3],
}

impl Currency {
    /// Reads a code of three ASCII letters in any case.
    ///
    /// # Errors
    /// [`MoneyError::CurrencyCode`] for anything else, blanks around the code included.
    pub fn parse(text: &str) -> Result<Currency, MoneyError> {
        let code: [u8; 3] = text.as_bytes().try_into().map_err(|_| MoneyError::CurrencyCode)?;
        if !code.iter().all(u8::is_ascii_alphabetic) {
            return Err(MoneyError::CurrencyCode);
        }
        Ok(Currency { code: code.map(|letter| letter.to_ascii_uppercase()) })
    }

    /// The code in upper case.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.code).expect("ASCII letters are UTF-8")
    }

    /// `minor` of SEMANTICS: number of decimals of transactions in this currency, from ISO 4217; 2 for codes it does not
    /// list.
    pub fn minor_digits(&self) -> u8 {
        match &self.code {
            b"BIF" | b"CLP" | b"DJF" | b"GNF" | b"ISK" | b"JPY" | b"KMF" | b"KRW" | b"PYG" | b"RWF" | b"UGX"
            | b"UYI" | b"VND" | b"VUV" | b"XAF" | b"XOF" | b"XPF" => 0,
            b"BHD" | b"IQD" | b"JOD" | b"KWD" | b"LYD" | b"OMR" | b"TND" => 3,
            b"CLF" | b"UYW" => 4,
            _ => 2,
        }
    }
}

impl FromStr for Currency {
    type Err = MoneyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Currency::parse(text)
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Currency({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read_in_any_case() {
        for text in ["usd", "Usd", "USD"] {
            assert_eq!(text.parse::<Currency>().unwrap().to_string(), "USD");
        }
        assert_eq!(format!("{:?}", Currency::parse("eur").unwrap()), "Currency(EUR)");
    }

    #[test]
    fn anything_but_three_letters_is_refused() {
        for text in ["", "US", "USDX", "U D", "US1", " USD", "€", "ÄB"] {
            assert_eq!(Currency::parse(text), Err(MoneyError::CurrencyCode), "{text}");
        }
    }

    #[test]
    fn minor_digits_follow_iso() {
        for (code, digits) in
            [("USD", 2), ("EUR", 2), ("CNY", 2), ("JPY", 0), ("KRW", 0), ("KWD", 3), ("CLF", 4), ("XXX", 2)]
        {
            assert_eq!(Currency::parse(code).unwrap().minor_digits(), digits, "{code}");
        }
    }
}
