// SPDX-License-Identifier: MIT
//
// field: a control of a form with its label, what helps to fill it in, and what is wrong with it.

import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { sentence } from "../sentence";
import { text } from "../strings";
import { useFailureOf } from "./form";

export interface ControlProps {
  id: string;
  name?: string;
  "aria-describedby": string | undefined;
  "aria-invalid": boolean | undefined;
}

export interface FieldProps {
  label: string;
  hint?: ComponentChildren;
  /** as the API calls it: a failure of the form that is about it is shown here */
  name?: string;
  optional?: string;
  children: (control: ControlProps) => ComponentChildren;
}

export function Field(props: FieldProps) {
  const id = useId();
  const wrong = useFailureOf(props.name);
  const described = [props.hint ? `${id}-hint` : "", wrong ? `${id}-error` : ""].filter(Boolean);
  const ref = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (wrong) ref.current?.querySelector<HTMLElement>("input, select, textarea")?.focus();
  }, [wrong]);
  return (
    <div class={wrong ? "field is-wrong" : "field"} ref={ref} data-field={props.name}>
      <label class="field-label" for={id}>
        {props.label}
        {props.optional && <span class="field-optional"> {props.optional}</span>}
      </label>
      {props.children({
        id,
        ...(props.name ? { name: props.name } : {}),
        "aria-describedby": described.join(" ") || undefined,
        "aria-invalid": wrong ? true : undefined,
      })}
      {props.hint && (
        <div class="field-hint" id={`${id}-hint`}>
          {props.hint}
        </div>
      )}
      {wrong && (
        <div class="field-error" id={`${id}-error`} role="alert">
          {sentence(wrong.message, props.name)}
        </div>
      )}
    </div>
  );
}

export interface TextFieldProps extends Omit<FieldProps, "children"> {
  value: string;
  onInput: (value: string) => void;
  type?: "text" | "password";
  autocomplete?: string;
  placeholder?: string;
  required?: boolean;
  readOnly?: boolean;
  mono?: boolean;
  min?: number;
  max?: number;
  maxLength?: number;
  inputMode?: "numeric" | "text";
  autofocus?: boolean;
}

export function TextField(props: TextFieldProps) {
  const ref = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (props.autofocus) ref.current?.focus();
  }, []);
  return (
    <Field {...props}>
      {(control) => (
        <input
          {...control}
          ref={ref}
          class={props.mono ? "input mono" : "input"}
          // The types of each kind of input differ; what is used here is the same in all.
          type={(props.type ?? "text") as "text"}
          value={props.value}
          placeholder={props.placeholder}
          autocomplete={props.autocomplete ?? "off"}
          spellcheck={false}
          required={props.required}
          readOnly={props.readOnly}
          min={props.min}
          max={props.max}
          maxLength={props.maxLength}
          inputMode={props.inputMode}
          onInput={(event) => props.onInput(event.currentTarget.value)}
        />
      )}
    </Field>
  );
}

export interface PasswordFieldProps extends Omit<
  TextFieldProps,
  "type" | "autocomplete" | "maxLength" | "inputMode"
> {
  /** one that is chosen here, which a password manager may make */
  isNew?: boolean;
}

export function PasswordField({ isNew, ...props }: PasswordFieldProps) {
  return (
    <TextField
      {...props}
      type="password"
      autocomplete={isNew ? "new-password" : "current-password"}
    />
  );
}

/** What a thing is to be called. */
export function NameField(props: Omit<TextFieldProps, "name" | "label" | "maxLength">) {
  return <TextField {...props} name="name" label={text.common.name} maxLength={64} />;
}

export interface TextAreaProps extends Omit<FieldProps, "children"> {
  value: string;
  rows?: number;
  placeholder?: string;
  readOnly?: boolean;
  onInput: (value: string) => void;
}

export function TextArea(props: TextAreaProps) {
  return (
    <Field {...props}>
      {(control) => (
        <textarea
          {...control}
          class="input mono"
          rows={props.rows ?? 6}
          value={props.value}
          placeholder={props.placeholder}
          readOnly={props.readOnly}
          spellcheck={false}
          onInput={(event) => props.onInput(event.currentTarget.value)}
        />
      )}
    </Field>
  );
}

export interface SelectProps<V extends string> extends Omit<FieldProps, "children"> {
  value: V;
  options: readonly { value: V; label: string; disabled?: boolean }[];
  onChange: (value: V) => void;
}

export function SelectField<V extends string>(props: SelectProps<V>) {
  return (
    <Field {...props}>
      {(control) => (
        <select
          {...control}
          class="input"
          value={props.value}
          onChange={(event) => props.onChange(event.currentTarget.value as V)}
        >
          {props.options.map((option) => (
            <option key={option.value} value={option.value} disabled={option.disabled}>
              {option.label}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

export interface CheckProps {
  label: ComponentChildren;
  hint?: ComponentChildren;
  checked: boolean;
  disabled?: boolean;
  onChange: (checked: boolean) => void;
}

export function CheckField(props: CheckProps) {
  const id = useId();
  return (
    <div class="check">
      <input
        id={id}
        type="checkbox"
        checked={props.checked}
        disabled={props.disabled}
        aria-describedby={props.hint ? `${id}-hint` : undefined}
        onChange={(event) => props.onChange(event.currentTarget.checked)}
      />
      <div>
        <label for={id}>{props.label}</label>
        {props.hint && (
          <div class="field-hint" id={`${id}-hint`}>
            {props.hint}
          </div>
        )}
      </div>
    </div>
  );
}

export interface RadioGroupProps<V extends string> {
  legend: string;
  value: V;
  options: readonly { value: V; label: string; hint?: string }[];
  onChange: (value: V) => void;
}

export function RadioGroup<V extends string>(props: RadioGroupProps<V>) {
  const id = useId();
  return (
    <fieldset class="radios">
      <legend class="field-label">{props.legend}</legend>
      {props.options.map((option) => (
        <label key={option.value} class="check">
          <input
            type="radio"
            name={id}
            checked={props.value === option.value}
            onChange={() => props.onChange(option.value)}
          />
          <span>
            {option.label}
            {option.hint && <span class="field-hint">{option.hint}</span>}
          </span>
        </label>
      ))}
    </fieldset>
  );
}
