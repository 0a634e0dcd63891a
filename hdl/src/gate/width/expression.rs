//! Expressions as rust-hdl writes them, and what of them depends on widths.

use super::{Declared, Scope};

/// What is known of an expression.
#[derive(Copy, Clone, Debug, PartialEq)]
pub struct Shape {
    /// Width in Verilog, before the context widens it.
    pub verilog: usize,
    /// Width of its signals, which is its width in Rust; none if it has only literals.
    pub native: Option<usize>,
    /// Bits that its literals need.
    pub literal: usize,
    /// Zeros above the operands do not show.
    pub pure: bool,
    /// The low bits depend on low bits alone.
    pub modular: bool,
}

/// Where an expression stands.
#[derive(Copy, Clone, Debug, PartialEq)]
pub enum Context {
    /// Right side, with the width of the target.
    Assignment(usize),
    /// By itself.
    Alone,
}

impl Shape {
    fn signal(bits: usize) -> Self {
        Self {
            verilog: bits,
            native: Some(bits),
            literal: 0,
            pure: true,
            modular: true,
        }
    }

    fn literal(bits: usize, value: u128) -> Self {
        Self {
            verilog: bits,
            native: None,
            literal: 128 - value.leading_zeros() as usize,
            pure: true,
            modular: true,
        }
    }

    /// Two operands of one context.
    fn with(self, other: Self) -> Self {
        Self {
            verilog: self.verilog.max(other.verilog),
            native: self.native.max(other.native),
            literal: self.literal.max(other.literal),
            pure: self.pure && other.pure,
            modular: self.modular && other.modular,
        }
    }

    /// Carries or ones appear above the operands.
    fn carrying(self) -> Self {
        Self {
            pure: false,
            ..self
        }
    }

    /// Whether Verilog's value is Rust's in this context.
    pub fn fits(self, context: Context) -> bool {
        match context {
            Context::Alone => {
                let native = self.native.unwrap_or(self.verilog);
                self.literal <= native && (self.pure || self.verilog == native)
            }
            Context::Assignment(target) => {
                let native = self.native.unwrap_or(target);
                let truncates = self.modular && target <= native;
                self.literal <= native.max(target) && (self.pure || truncates)
            }
        }
    }

    /// Whether Verilog's value is Rust's if the expression stands alone.
    pub fn is_exact(self) -> bool {
        self.fits(Context::Alone)
    }
}

/// A recursive-descent parser.
pub struct Parser<'a> {
    tokens: Vec<String>,
    at: usize,
    scope: &'a Scope,
}

/// Binary operators, loosest first.
const LEVELS: [&[&str]; 9] = [
    &["||"],
    &["&&"],
    &["|"],
    &["^"],
    &["&"],
    &["==", "!="],
    &["<", "<=", ">", ">="],
    &["<<", ">>"],
    &["+", "-"],
];

impl<'a> Parser<'a> {
    /// Splits the text into tokens; nothing if it has characters that rust-hdl does not write.
    pub fn new(text: &str, scope: &'a Scope) -> Option<Self> {
        let mut tokens = Vec::new();
        let mut rest = text.trim_start();
        while let Some(first) = rest.chars().next() {
            let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '$' || c == '\'';
            let length = if is_word(first) {
                rest.find(|c| !is_word(c)).unwrap_or(rest.len())
            } else if ["<<", ">>", "==", "!=", "<=", ">=", "&&", "||", "+:"]
                .iter()
                .any(|token| rest.starts_with(token))
            {
                2
            } else if "()[]+-*&|^~<>:".contains(first) {
                1
            } else {
                return None;
            };
            tokens.push(rest[..length].to_string());
            rest = rest[length..].trim_start();
        }
        Some(Self {
            tokens,
            at: 0,
            scope,
        })
    }

    /// The whole text as one expression.
    pub fn all(mut self) -> Option<Shape> {
        let shape = self.binary(0)?;
        (self.at == self.tokens.len()).then_some(shape)
    }

    fn peek(&self) -> &str {
        self.tokens.get(self.at).map_or("", String::as_str)
    }

    fn take(&mut self, token: &str) -> Option<()> {
        (self.peek() == token).then(|| self.at += 1)
    }

    fn binary(&mut self, level: usize) -> Option<Shape> {
        let Some(operators) = LEVELS.get(level) else {
            return self.product();
        };
        let mut left = self.binary(level + 1)?;
        while operators.contains(&self.peek()) {
            let operator = self.peek().to_string();
            self.at += 1;
            let mask = self.is_mask();
            let right = self.binary(level + 1)?;
            left = match operator.as_str() {
                "||" | "&&" => (left.is_exact() && right.is_exact()).then(|| Shape::signal(1))?,
                "==" | "!=" | "<" | "<=" | ">" | ">=" => {
                    left.with(right).is_exact().then(|| Shape::signal(1))?
                }
                "<<" | ">>" if !right.is_exact() => return None,
                "<<" => left.carrying(),
                // Carries come down from above: not even the low bits are safe, unless there are none.
                ">>" => Shape {
                    modular: left.pure,
                    ..left
                },
                "+" | "-" => left.with(right).carrying(),
                "&" if mask => cast(left, right.verilog),
                _ => left.with(right),
            };
        }
        Some(left)
    }

    /// A literal with all ones comes next, as `bit_cast` writes it.
    fn is_mask(&self) -> bool {
        number(self.peek()).is_some_and(|(bits, value)| {
            (1..=128).contains(&bits) && value == u128::MAX >> (128 - bits)
        })
    }

    fn product(&mut self) -> Option<Shape> {
        let mut left = self.unary()?;
        while self.take("*").is_some() {
            left = left.with(self.unary()?).carrying();
        }
        Some(left)
    }

    fn unary(&mut self) -> Option<Shape> {
        match self.peek() {
            "~" | "-" => {
                self.at += 1;
                Some(self.unary()?.carrying())
            }
            // A reduction.
            "&" | "|" | "^" => {
                self.at += 1;
                self.unary()?.is_exact().then(|| Shape::signal(1))
            }
            _ => self.primary(),
        }
    }

    fn primary(&mut self) -> Option<Shape> {
        if self.take("(").is_some() {
            let shape = self.binary(0)?;
            self.take(")")?;
            return Some(shape);
        }
        let word = self.peek().to_string();
        self.at += 1;
        if let Some((bits, value)) = number(&word) {
            return Some(Shape::literal(bits, value));
        }
        let shape = match *self.scope.get(&word)? {
            Declared::Signal(bits) => Shape::signal(bits),
            Declared::Number(value) => Shape::literal(32, value),
        };
        if self.take("[").is_none() {
            return Some(shape);
        }
        self.binary(0)?.is_exact().then_some(())?;
        let mut bits = 1;
        if self.take("+:").is_some() {
            self.take("(")?;
            bits = self.peek().parse().ok()?;
            self.at += 1;
            self.take(")")?;
        }
        self.take("]")?;
        Some(Shape::signal(bits))
    }
}

/// `bit_cast` to `bits`: exact if nothing above the operand's own width is let through.
fn cast(operand: Shape, bits: usize) -> Shape {
    let narrows = operand.modular && operand.native.is_some_and(|native| bits <= native);
    let exact = operand.pure || narrows;
    Shape {
        native: Some(bits),
        verilog: operand.verilog.max(bits),
        pure: exact,
        modular: exact,
        ..operand
    }
}

/// Width and value of `12'hfff` or `7`.
fn number(word: &str) -> Option<(usize, u128)> {
    let Some((bits, digits)) = word.split_once('\'') else {
        return Some((32, word.parse().ok()?));
    };
    let radix = match digits.get(..1)? {
        "h" => 16,
        "b" => 2,
        "d" => 10,
        _ => return None,
    };
    Some((
        bits.trim().parse().ok()?,
        u128::from_str_radix(&digits[1..], radix).ok()?,
    ))
}
