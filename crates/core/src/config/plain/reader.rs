//! Values of every type from plain text, as the library gives them.

use super::cursor::Cursor;
use super::not_plain::NotPlain;
use serde::Deserializer;
use serde::de::{DeserializeSeed, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor};
use serde::forward_to_deserialize_any;
use std::borrow::Cow;
use std::fmt::{self, Display, Formatter};

/// The name of the newtype by which the library asks for a value's text instead of the value.
pub(super) const VALUE_TEXT: &str = "$ron::private::RawValue";

type Plain<T> = Result<T, NotPlain>;

macro_rules! numbers {
    ($($method:ident $visit:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Plain<V::Value> {
            visitor.$visit(self.number()?.parse().map_err(|_| NotPlain)?)
        })*
    };
}

impl<'de> Deserializer<'de> for &mut Cursor<'de> {
    type Error = NotPlain;

    /// Whoever takes anything takes it in the library's way.
    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Plain<V::Value> {
        Err(NotPlain)
    }

    forward_to_deserialize_any! { i128 u128 char bytes byte_buf }

    numbers! {
        deserialize_i8 visit_i8 deserialize_i16 visit_i16 deserialize_i32 visit_i32 deserialize_i64 visit_i64
        deserialize_u8 visit_u8 deserialize_u16 visit_u16 deserialize_u32 visit_u32 deserialize_u64 visit_u64
        deserialize_f32 visit_f32 deserialize_f64 visit_f64
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Plain<V::Value> {
        visitor.visit_bool(self.word()?.parse().map_err(|_| NotPlain)?)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Plain<V::Value> {
        match self.string()? {
            Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
            Cow::Owned(text) => visitor.visit_string(text),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Plain<V::Value> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Plain<V::Value> {
        match self.peek_word() {
            Some("None") => {
                self.word()?;
                visitor.visit_none()
            }
            Some("Some") => {
                self.word()?;
                self.skip_space()?;
                self.only(|cursor| visitor.visit_some(cursor))
            }
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Plain<V::Value> {
        self.expect(b'(')?;
        self.expect(b')')?;
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Plain<V::Value> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Plain<V::Value> {
        if name == VALUE_TEXT {
            return visitor.visit_borrowed_str(self.value_text()?);
        }
        self.only(|cursor| visitor.visit_newtype_struct(cursor))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Plain<V::Value> {
        self.enclosed(*b"[]", |cursor| visitor.visit_seq(Items::new(cursor, b']')))
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Plain<V::Value> {
        self.enclosed(*b"()", |cursor| visitor.visit_seq(Items::new(cursor, b')')))
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        length: usize,
        visitor: V,
    ) -> Plain<V::Value> {
        self.deserialize_tuple(length, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Plain<V::Value> {
        // The library reads other keys where a struct has flattened parts.
        if Expecting(&visitor).to_string().starts_with("struct ") {
            return Err(NotPlain);
        }
        self.enclosed(*b"{}", |cursor| visitor.visit_map(Items::new(cursor, b'}')))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Plain<V::Value> {
        self.enclosed(*b"()", |cursor| visitor.visit_map(Fields(Items::new(cursor, b')'))))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Plain<V::Value> {
        visitor.visit_enum(self)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Plain<V::Value> {
        visitor.visit_borrowed_str(self.word()?)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Plain<V::Value> {
        self.skip_value()?;
        visitor.visit_unit()
    }
}

struct Expecting<'a, V>(&'a V);

impl<'de, V: Visitor<'de>> Display for Expecting<'_, V> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }
}

/// Items with commas between them.
struct Items<'a, 'de> {
    cursor: &'a mut Cursor<'de>,
    close: u8,
    first: bool,
}

impl<'a, 'de> Items<'a, 'de> {
    fn new(cursor: &'a mut Cursor<'de>, close: u8) -> Self {
        Self { cursor, close, first: true }
    }

    fn next(&mut self) -> Plain<bool> {
        let more = self.cursor.has_item(self.close, self.first);
        self.first = false;
        more
    }
}

impl<'de> SeqAccess<'de> for Items<'_, 'de> {
    type Error = NotPlain;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Plain<Option<T::Value>> {
        if self.next()? { seed.deserialize(&mut *self.cursor).map(Some) } else { Ok(None) }
    }
}

impl<'de> MapAccess<'de> for Items<'_, 'de> {
    type Error = NotPlain;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Plain<Option<K::Value>> {
        if self.next()? { seed.deserialize(&mut *self.cursor).map(Some) } else { Ok(None) }
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Plain<T::Value> {
        self.cursor.colon()?;
        seed.deserialize(&mut *self.cursor)
    }
}

/// Fields, whose keys are names.
struct Fields<'a, 'de>(Items<'a, 'de>);

impl<'de> MapAccess<'de> for Fields<'_, 'de> {
    type Error = NotPlain;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Plain<Option<K::Value>> {
        if self.0.next()? { seed.deserialize(Name(self.0.cursor.word()?)).map(Some) } else { Ok(None) }
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Plain<T::Value> {
        self.0.next_value_seed(seed)
    }
}

/// The name of a field.
struct Name<'de>(&'de str);

impl<'de> Deserializer<'de> for Name<'de> {
    type Error = NotPlain;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Plain<V::Value> {
        Err(NotPlain)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Plain<V::Value> {
        visitor.visit_borrowed_str(self.0)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum ignored_any
    }
}

impl<'de> EnumAccess<'de> for &mut Cursor<'de> {
    type Error = NotPlain;
    type Variant = Self;

    fn variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Plain<(T::Value, Self)> {
        Ok((seed.deserialize(&mut *self)?, self))
    }
}

impl<'de> VariantAccess<'de> for &mut Cursor<'de> {
    type Error = NotPlain;

    fn unit_variant(self) -> Plain<()> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Plain<T::Value> {
        self.skip_space()?;
        self.only(|cursor| seed.deserialize(cursor))
    }

    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Plain<V::Value> {
        self.skip_space()?;
        self.deserialize_tuple(length, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(self, fields: &'static [&'static str], visitor: V) -> Plain<V::Value> {
        self.skip_space()?;
        self.deserialize_struct("", fields, visitor)
    }
}
